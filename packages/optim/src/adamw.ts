import { adamwStep } from "@heed/tensor";
import { type Optimizer, type OptimizerOptions, checkGradients, expectFraction, expectNonNegative, flattenGroups, scheduleOf } from "./optimizer.ts";
import { loadSlots, nameSlots, slots } from "./state.ts";

export interface AdamWOptions extends OptimizerOptions {
  /** decay rates of the averages of gradients and of their squares, in [0, 1); default [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** added to the root of the squares' average; default 1e-8 */
  readonly epsilon?: number;
  /** decoupled: each update shrinks parameters by learningRate * weightDecay; default 0.01 */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay; all parameters in one pass of a fused kernel where the backend has it.
 *
 * m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * p = p (1 - lr wd) - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon).
 *
 * @throws RangeError for options out of range, no parameters, or a parameter named twice
 * @see Loshchilov and Hutter 2017, Decoupled Weight Decay Regularization, algorithm 2, arXiv:1711.05101. As torch.optim.AdamW.
 * @example
 * const optimizer = adamW({ parameters: [weights], learningRate: 1e-3 });
 */
export function adamW({ parameters: given, learningRate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 }: AdamWOptions): Optimizer {
  expectFraction("adamW", "betas[0]", betas[0]);
  expectFraction("adamW", "betas[1]", betas[1]);
  expectNonNegative("adamW", "epsilon", epsilon);
  const { parameters, weightDecays, factors } = flattenGroups("adamW", given, weightDecay);
  const schedule = scheduleOf("adamW", learningRate);
  const firstMoments = slots(parameters);
  const secondMoments = slots(parameters);
  const named = nameSlots({ first: firstMoments, second: secondMoments });
  let updates = 0;
  return {
    parameters,
    learningRate: () => schedule(updates),
    step(gradients, { scale } = {}) {
      checkGradients("adamW", parameters, gradients);
      const rate = schedule(updates);
      adamwStep({
        parameters, gradients, firstMoments, secondMoments, weightDecays, epsilon,
        ...(scale && { scale }),
        learningRates: factors.map((factor) => factor * rate),
        beta1: betas[0],
        beta2: betas[1],
        step: updates + 1,
      });
      updates++;
    },
    state: () => ({ updates, tensors: named }),
    loadState(state) {
      loadSlots("adamW", named, state);
      updates = state.updates;
    },
  };
}
