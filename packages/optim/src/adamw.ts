import { adamwStep, add, assign, divide, maximum, multiply, scope, sqrt, subtract, type Tensor } from "@heed/tensor";
import {
  checkGradients,
  expectFraction,
  expectNonNegative,
  flattenGroups,
  type Optimizer,
  type OptimizerOptions,
  scheduleOf,
} from "./optimizer.ts";
import { loadSlots, nameSlots, slots } from "./state.ts";

export interface AdamWOptions extends OptimizerOptions {
  /** decay rates of the averages of gradients and of their squares, in [0, 1); default [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** added to the root of the squares' average; default 1e-8 */
  readonly epsilon?: number;
  /** decoupled: each update shrinks parameters by learningRate * weightDecay; default 0.01 */
  readonly weightDecay?: number;
  /** divide by the largest average of squares so far; default false. Runs as a composition, not fused */
  readonly amsgrad?: boolean;
}

/**
 * Adam with decoupled weight decay; all parameters in one pass of a fused kernel where the backend has it.
 *
 * m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * p = p (1 - lr wd) - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon).
 *
 * @throws RangeError for options out of range, no parameters, or a parameter named twice
 * @see Loshchilov and Hutter 2017, Decoupled Weight Decay Regularization, algorithm 2, arXiv:1711.05101; Reddi et al. 2018,
 *   On the Convergence of Adam and Beyond, algorithm 2, arXiv:1904.09237 (amsgrad). As torch.optim.AdamW.
 * @example
 * const optimizer = adamW({ parameters: [weights], learningRate: 1e-3 });
 */
export function adamW({
  parameters: given,
  learningRate,
  betas = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0.01,
  amsgrad = false,
}: AdamWOptions): Optimizer {
  expectFraction("adamW", "betas[0]", betas[0]);
  expectFraction("adamW", "betas[1]", betas[1]);
  expectNonNegative("adamW", "epsilon", epsilon);
  const { parameters, weightDecays, factors } = flattenGroups("adamW", given, weightDecay);
  const schedule = scheduleOf("adamW", learningRate);
  const first = slots(parameters);
  const second = slots(parameters);
  const largest = amsgrad ? slots(parameters) : [];
  const named = nameSlots({ first, second, largest });
  let updates = 0;
  return {
    parameters,
    learningRate: () => schedule(updates),
    step(gradients, { scale } = {}) {
      checkGradients("adamW", parameters, gradients);
      const rate = schedule(updates);
      const learningRates = factors.map((factor) => factor * rate);
      const update = {
        parameters,
        gradients,
        learningRates,
        weightDecays,
        beta1: betas[0],
        beta2: betas[1],
        epsilon,
        step: updates + 1,
        ...(scale && { scale }),
      };
      if (amsgrad) amsgradStep({ ...update, first, second, largest });
      else adamwStep({ ...update, firstMoments: first, secondMoments: second });
      updates++;
    },
    state: () => ({ updates, tensors: named }),
    loadState(state) {
      loadSlots("adamW", named, state);
      updates = state.updates;
    },
  };
}

interface AmsgradUpdate {
  readonly parameters: readonly Tensor[];
  readonly gradients: readonly Tensor[];
  readonly first: readonly Tensor[];
  readonly second: readonly Tensor[];
  readonly largest: readonly Tensor[];
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
  readonly scale?: Tensor;
}

function amsgradStep({
  parameters,
  gradients,
  first,
  second,
  largest,
  learningRates,
  weightDecays,
  beta1,
  beta2,
  epsilon,
  step,
  scale,
}: AmsgradUpdate): void {
  scope(() => {
    parameters.forEach((parameter, i) => {
      const gradient = scale ? multiply(gradients[i]!, scale) : gradients[i]!;
      assign(first[i]!, add(multiply(first[i]!, beta1), multiply(gradient, 1 - beta1)));
      assign(second[i]!, add(multiply(second[i]!, beta2), multiply(multiply(gradient, gradient), 1 - beta2)));
      assign(largest[i]!, maximum(largest[i]!, second[i]!));
      const denominator = add(sqrt(multiply(largest[i]!, 1 / (1 - beta2 ** step))), epsilon);
      const direction = divide(multiply(first[i]!, learningRates[i]! / (1 - beta1 ** step)), denominator);
      assign(parameter, subtract(multiply(parameter, 1 - learningRates[i]! * weightDecays[i]!), direction));
    });
  });
}
