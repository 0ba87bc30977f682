import { add, assign, divide, multiply, scope, sqrt, subtract } from "@heed/tensor";
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

export interface AdamOptions extends OptimizerOptions {
  /** decay rates of the averages of gradients and of their squares, in [0, 1); default [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** added to the root of the squares' average; default 1e-8 */
  readonly epsilon?: number;
  /** added to gradients as weightDecay * parameter, before the averages; default 0 */
  readonly weightDecay?: number;
}

/**
 * Adam, whose weight decay is part of the gradient; `adamW` decouples it.
 *
 * g' = g + wd p, m = b1 m + (1 - b1) g', v = b2 v + (1 - b2) g'^2, p -= lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon).
 *
 * @throws RangeError for options out of range, no parameters, or a parameter named twice
 * @see Kingma and Ba 2014, Adam, algorithm 1, arXiv:1412.6980. As torch.optim.Adam.
 * @example
 * const optimizer = adam({ parameters: [weights], learningRate: 1e-3 });
 */
export function adam({
  parameters: given,
  learningRate,
  betas: [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0,
}: AdamOptions): Optimizer {
  expectFraction("adam", "betas[0]", beta1);
  expectFraction("adam", "betas[1]", beta2);
  expectNonNegative("adam", "epsilon", epsilon);
  const { parameters, weightDecays, factors } = flattenGroups("adam", given, weightDecay);
  const schedule = scheduleOf("adam", learningRate);
  const first = slots(parameters);
  const second = slots(parameters);
  const named = nameSlots({ first, second });
  let updates = 0;
  return {
    parameters,
    learningRate: () => schedule(updates),
    step(gradients, { scale } = {}) {
      checkGradients("adam", parameters, gradients);
      const rate = schedule(updates);
      const [correction1, correction2] = [1 - beta1 ** (updates + 1), 1 - beta2 ** (updates + 1)];
      scope(() => {
        parameters.forEach((parameter, i) => {
          const scaled = scale ? multiply(gradients[i]!, scale) : gradients[i]!;
          const gradient = add(scaled, multiply(parameter, weightDecays[i]!));
          assign(first[i]!, add(multiply(first[i]!, beta1), multiply(gradient, 1 - beta1)));
          assign(second[i]!, add(multiply(second[i]!, beta2), multiply(multiply(gradient, gradient), 1 - beta2)));
          const spread = add(sqrt(multiply(second[i]!, 1 / correction2)), epsilon);
          const direction = divide(multiply(first[i]!, (rate * factors[i]!) / correction1), spread);
          assign(parameter, subtract(parameter, direction));
        });
      });
      updates++;
    },
    state: () => ({ updates, tensors: named }),
    loadState(state) {
      loadSlots("adam", named, state);
      updates = state.updates;
    },
  };
}
