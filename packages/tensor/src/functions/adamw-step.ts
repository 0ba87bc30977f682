import { applyInPlace, expectDType } from "../apply.ts";
import { assign } from "../assign.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { add } from "../primitives/add.ts";
import { divide } from "../primitives/divide.ts";
import { multiply } from "../primitives/multiply.ts";
import { sqrt } from "../primitives/sqrt.ts";
import { subtract } from "../primitives/subtract.ts";
import { scope } from "../scope.ts";
import { sameShape } from "../shape.ts";
import { scalarLike, type Tensor } from "../tensor.ts";

/** What {@link adamwStep} needs; the lists have one entry per parameter. */
export interface AdamwStepOptions {
  readonly parameters: readonly Tensor[];
  readonly gradients: readonly Tensor[];
  /** running averages of gradients, changed in place */
  readonly firstMoments: readonly Tensor[];
  /** running averages of squared gradients, changed in place */
  readonly secondMoments: readonly Tensor[];
  /** scalar [] that multiplies every gradient first; default 1 */
  readonly scale?: Tensor | undefined;
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
  /** decay rates of the averages, in [0, 1) */
  readonly beta1: number;
  readonly beta2: number;
  /** added to the root of the squares' average, >= 0 */
  readonly epsilon: number;
  /** updates made, this one included; whole, >= 1 */
  readonly step: number;
}

function checkOptions(options: AdamwStepOptions): void {
  const { parameters, beta1, beta2, epsilon, step } = options;
  for (const list of ["gradients", "firstMoments", "secondMoments"] as const) {
    checkLength(list, options[list].length, parameters.length);
    options[list].forEach((x, i) => {
      if (!sameShape(x.shape, parameters[i]!.shape)) {
        throw new ShapeError(
          `adamwStep: ${list}[${i}] has shape ${formatShape(x.shape)}, expected ${formatShape(parameters[i]!.shape)} (from parameters[${i}])`,
        );
      }
      expectDType("adamwStep", { [`${list}[${i}]`]: x }, parameters[i]!.dtype);
    });
  }
  checkLength("learningRates", options.learningRates.length, parameters.length);
  checkLength("weightDecays", options.weightDecays.length, parameters.length);
  for (const [argument, beta] of [
    ["beta1", beta1],
    ["beta2", beta2],
  ] as const) {
    if (!(beta >= 0 && beta < 1))
      throw new RangeError(`adamwStep: ${argument} is out of range, expected a number in [0, 1), got ${beta}`);
  }
  if (!(epsilon >= 0))
    throw new RangeError(`adamwStep: epsilon is out of range, expected a number >= 0, got ${epsilon}`);
  if (!Number.isInteger(step) || step < 1)
    throw new RangeError(`adamwStep: step is out of range, expected a whole number >= 1, got ${step}`);
}

function checkLength(list: string, length: number, expected: number): void {
  if (length !== expected)
    throw new RangeError(`adamwStep: ${list} has ${length} entries, expected ${expected} (from parameters)`);
}

/**
 * One AdamW update of all parameters, in place: one fused kernel where the backend has it.
 *
 * With g the scaled gradient and t the step: p *= 1 - lr wd; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon).
 *
 * @throws ShapeError, DTypeError or RangeError for lists that do not fit; TensorStateError inside a differentiation
 * @see Loshchilov and Hutter 2017, Decoupled Weight Decay Regularization, arXiv:1711.05101. As torch.optim.AdamW.
 */
export function adamwStep(options: AdamwStepOptions): void {
  checkOptions(options);
  const {
    parameters,
    gradients,
    firstMoments,
    secondMoments,
    learningRates,
    weightDecays,
    beta1,
    beta2,
    epsilon,
    step,
  } = options;
  if (parameters.length === 0) return;
  scope(() => {
    const scale = options.scale ?? scalarLike(parameters[0]!, 1);
    const operands = [...parameters, ...gradients, ...firstMoments, ...secondMoments, scale];
    if (applyInPlace("adamw", operands, { learningRates, weightDecays, beta1, beta2, epsilon, step })) return;
    parameters.forEach((_, i) => scope(() => updateOne(options, scale, i)));
  });
}

function updateOne(
  {
    parameters,
    gradients,
    firstMoments,
    secondMoments,
    learningRates,
    weightDecays,
    beta1,
    beta2,
    epsilon,
    step,
  }: AdamwStepOptions,
  scale: Tensor,
  i: number,
): void {
  const rate = learningRates[i]!;
  const g = multiply(gradients[i]!, scale);
  const m = add(multiply(firstMoments[i]!, beta1), multiply(g, 1 - beta1));
  const v = add(multiply(secondMoments[i]!, beta2), multiply(multiply(g, g), 1 - beta2));
  const root = add(divide(sqrt(v), Math.sqrt(1 - beta2 ** step)), epsilon);
  const kept = multiply(parameters[i]!, 1 - rate * weightDecays[i]!);
  assign(firstMoments[i]!, m);
  assign(secondMoments[i]!, v);
  assign(parameters[i]!, subtract(kept, multiply(divide(m, root), rate / (1 - beta1 ** step))));
}
