import { add, assign, multiply, scope, subtract } from "@heed/tensor";
import {
  checkGradients,
  expectFraction,
  flattenGroups,
  type Optimizer,
  type OptimizerOptions,
  scheduleOf,
} from "./optimizer.ts";
import { loadSlots, nameSlots, slots } from "./state.ts";

export interface SgdOptions extends OptimizerOptions {
  /** in [0, 1); default 0 */
  readonly momentum?: number;
  /** look ahead along the momentum; default false */
  readonly nesterov?: boolean;
  /** added to gradients as weightDecay * parameter; default 0 */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum.
 *
 * g' = g + wd p, u = momentum u + g' (u = g' at the first update), p -= lr (nesterov ? g' + momentum u : u).
 *
 * @throws RangeError for options out of range, or nesterov without momentum
 * @see Sutskever et al. 2013, On the importance of initialization and momentum, section 2. As torch.optim.SGD without dampening.
 * @example
 * const optimizer = sgd({ parameters: [weights], learningRate: 0.1, momentum: 0.9 });
 */
export function sgd({
  parameters: given,
  learningRate,
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
}: SgdOptions): Optimizer {
  expectFraction("sgd", "momentum", momentum);
  if (nesterov && momentum === 0)
    throw new RangeError("sgd: momentum is out of range, expected more than 0 with nesterov, got 0");
  const { parameters, weightDecays, factors } = flattenGroups("sgd", given, weightDecay);
  const schedule = scheduleOf("sgd", learningRate);
  const velocities = momentum > 0 ? slots(parameters) : [];
  const named = nameSlots({ velocity: velocities });
  let updates = 0;
  return {
    parameters,
    learningRate: () => schedule(updates),
    step(gradients, { scale } = {}) {
      checkGradients("sgd", parameters, gradients);
      const rate = schedule(updates);
      scope(() => {
        parameters.forEach((parameter, i) => {
          const scaled = scale ? multiply(gradients[i]!, scale) : gradients[i]!;
          const gradient = weightDecays[i]! > 0 ? add(scaled, multiply(parameter, weightDecays[i]!)) : scaled;
          let direction = gradient;
          if (momentum > 0) {
            assign(velocities[i]!, add(multiply(velocities[i]!, momentum), gradient));
            direction = nesterov ? add(gradient, multiply(velocities[i]!, momentum)) : velocities[i]!;
          }
          assign(parameter, subtract(parameter, multiply(direction, rate * factors[i]!)));
        });
      });
      updates++;
    },
    state: () => ({ updates, tensors: named }),
    loadState(state) {
      loadSlots("sgd", named, state);
      updates = state.updates;
    },
  };
}
