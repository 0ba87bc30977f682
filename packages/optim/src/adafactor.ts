import {
  add,
  assign,
  divide,
  keep,
  maximum,
  mean,
  multiply,
  rsqrt,
  scope,
  sqrt,
  subtract,
  type Tensor,
  zeros,
} from "@heed/tensor";
import {
  checkGradients,
  expectNonNegative,
  flattenGroups,
  type Optimizer,
  type OptimizerOptions,
  scheduleOf,
} from "./optimizer.ts";
import { loadSlots, nameSlots } from "./state.ts";

export interface AdafactorOptions extends OptimizerOptions {
  /** added to squared gradients; default 1e-30 */
  readonly epsilon?: number;
  /** updates of a larger root mean square are scaled down to it, > 0; default 1 */
  readonly clipThreshold?: number;
  /** the average of squares decays by 1 - t^-decayPower at update t; in (0, 1], default 0.8 */
  readonly decayPower?: number;
  /** decoupled: each update shrinks parameters by learningRate * weightDecay; default 0 */
  readonly weightDecay?: number;
}

/**
 * Adafactor: Adam without the first average, whose second keeps only row and column means of a matrix.
 *
 * v ~ rows columns^T / mean(rows); u = g / sqrt(v); u /= max(1, rms(u) / clipThreshold); p = p (1 - lr wd) - lr u.
 *
 * Cost: memory of O(rows + columns) for a matrix.
 * @throws RangeError for options out of range, no parameters, or a parameter named twice
 * @see Shazeer and Stern 2018, Adafactor, algorithms 4 and 5, arXiv:1804.04235. Differs: the learning rate is given, neither
 *   relative to the step nor to the size of the parameter, as Hugging Face with scale_parameter and relative_step off.
 * @example
 * const optimizer = adafactor({ parameters: [weights], learningRate: 1e-3 });
 */
export function adafactor({
  parameters: given,
  learningRate,
  epsilon = 1e-30,
  clipThreshold = 1,
  decayPower = 0.8,
  weightDecay = 0,
}: AdafactorOptions): Optimizer {
  expectNonNegative("adafactor", "epsilon", epsilon);
  if (!(clipThreshold > 0 && Number.isFinite(clipThreshold)))
    throw new RangeError(
      `adafactor: clipThreshold is out of range, expected a finite number > 0, got ${clipThreshold}`,
    );
  if (!(decayPower > 0 && decayPower <= 1))
    throw new RangeError(`adafactor: decayPower is out of range, expected a number in (0, 1], got ${decayPower}`);
  const { parameters, weightDecays, factors } = flattenGroups("adafactor", given, weightDecay);
  const schedule = scheduleOf("adafactor", learningRate);
  const squares = parameters.map(averagesOf);
  const named = Object.assign({}, ...squares.map((tensors, i) => nameSlots({ [`square.${i}`]: tensors })));
  let updates = 0;
  return {
    parameters,
    learningRate: () => schedule(updates),
    step(gradients, { scale } = {}) {
      checkGradients("adafactor", parameters, gradients);
      const rate = schedule(updates);
      const decay = 1 - (updates + 1) ** -decayPower;
      scope(() => {
        parameters.forEach((parameter, i) => {
          const gradient = scale ? multiply(gradients[i]!, scale) : gradients[i]!;
          const direction = multiply(gradient, inverseRoot(squares[i]!, gradient, decay, epsilon));
          const rms = sqrt(mean(multiply(direction, direction)));
          const clipped = divide(direction, maximum(multiply(rms, 1 / clipThreshold), 1));
          const ownRate = rate * factors[i]!;
          const shrunk = multiply(parameter, 1 - ownRate * weightDecays[i]!);
          assign(parameter, subtract(shrunk, multiply(clipped, ownRate)));
        });
      });
      updates++;
    },
    state: () => ({ updates, tensors: named }),
    loadState(state) {
      loadSlots("adafactor", named, state);
      updates = state.updates;
    },
  };
}

/** Averages of squares: of rows and of columns where there are two axes or more, else of each value. */
function averagesOf({ shape, dtype, backend }: Tensor): Tensor[] {
  const shapes =
    shape.length < 2
      ? [shape]
      : [
          [...shape.slice(0, -1), 1],
          [...shape.slice(0, -2), 1, shape.at(-1)!],
        ];
  return keep(shapes.map((each) => zeros(each, { dtype, backend })));
}

/** Takes the gradient into the averages and returns 1 / sqrt(v). */
function inverseRoot(averages: readonly Tensor[], gradient: Tensor, decay: number, epsilon: number): Tensor {
  const square = add(multiply(gradient, gradient), epsilon);
  averages.forEach((average, i) => {
    const now = averages.length === 1 ? square : mean(square, { axes: i === 0 ? -1 : -2, keepDims: true });
    assign(average, add(multiply(average, decay), multiply(now, 1 - decay)));
  });
  const [rows, columns] = averages as [Tensor, Tensor?];
  if (!columns) return rsqrt(rows);
  return multiply(rsqrt(divide(rows, mean(rows, { axes: -2, keepDims: true }))), rsqrt(columns));
}
