import { formatShape, ShapeError, type Tensor } from "@heed/tensor";
import type { Schedule } from "./schedules.ts";

/** Parameters that share settings. */
export interface ParameterGroup {
  readonly parameters: readonly Tensor[];
  /** overrides the optimizer's */
  readonly weightDecay?: number;
  /** multiplies the learning rate; default 1 */
  readonly learningRateFactor?: number;
}

/** What continues an optimizer exactly: the number of updates made, and tensors by name (owned by the optimizer). */
export interface OptimizerState {
  readonly updates: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Changes parameters in place. */
export interface Optimizer {
  /** The parameters, in the order gradients are expected in. */
  readonly parameters: readonly Tensor[];
  /** Learning rate of the next update. */
  learningRate(): number;
  /**
   * One update.
   *
   * @param gradients one per parameter, of the same shape
   * @param options.scale scalar tensor that multiplies every gradient first (clipping)
   */
  step(gradients: readonly Tensor[], options?: { readonly scale?: Tensor }): void;
  state(): OptimizerState;
  /** Takes over numbers from a state of an optimizer built alike; copies values. */
  loadState(state: { readonly updates: number; readonly tensors: Readonly<Record<string, Tensor>> }): void;
}

/** What every optimizer takes. */
export interface OptimizerOptions {
  /** a list of tensors, or groups of them with settings of their own */
  readonly parameters: readonly Tensor[] | readonly ParameterGroup[];
  /** a number > 0, or a schedule of the update number */
  readonly learningRate: number | Schedule;
}

/** The settings of each parameter, flat. @internal */
export interface FlatGroups {
  readonly parameters: readonly Tensor[];
  readonly weightDecays: readonly number[];
  readonly factors: readonly number[];
}

const isGroup = (x: Tensor | ParameterGroup): x is ParameterGroup => "parameters" in x;

/** @internal */
export function flattenGroups(where: string, given: OptimizerOptions["parameters"], weightDecay: number): FlatGroups {
  const groups: readonly ParameterGroup[] =
    given.length > 0 && isGroup(given[0]!)
      ? (given as readonly ParameterGroup[])
      : [{ parameters: given as readonly Tensor[] }];
  const parameters = groups.flatMap((group) => [...group.parameters]);
  if (parameters.length === 0) throw new RangeError(`${where}: parameters is empty, expected at least one tensor`);
  if (new Set(parameters).size !== parameters.length) {
    throw new RangeError(
      `${where}: parameters names a tensor twice, expected distinct tensors. Use parameters(model) of @heed/nn, which lists tied weights once`,
    );
  }
  const spread = (of: (group: ParameterGroup) => number) =>
    groups.flatMap((group) => group.parameters.map(() => of(group)));
  const weightDecays = spread((group) => group.weightDecay ?? weightDecay);
  for (const decay of weightDecays) expectNonNegative(where, "weightDecay", decay);
  return { parameters, weightDecays, factors: spread((group) => group.learningRateFactor ?? 1) };
}

/** @internal */
export function expectNonNegative(where: string, argument: string, value: number): void {
  if (!Number.isFinite(value) || value < 0)
    throw new RangeError(`${where}: ${argument} is out of range, expected a finite number >= 0, got ${value}`);
}

/** @internal */
export function expectFraction(where: string, argument: string, value: number): void {
  if (!(value >= 0 && value < 1))
    throw new RangeError(`${where}: ${argument} is out of range, expected a number in [0, 1), got ${value}`);
}

/** @internal */
export function scheduleOf(where: string, learningRate: number | Schedule): Schedule {
  if (typeof learningRate === "function") return learningRate;
  expectNonNegative(where, "learningRate", learningRate);
  return () => learningRate;
}

/** @internal */
export function checkGradients(where: string, parameters: readonly Tensor[], gradients: readonly Tensor[]): void {
  if (gradients.length !== parameters.length) {
    throw new RangeError(
      `${where}: gradients has ${gradients.length} tensors, expected ${parameters.length} (one per parameter)`,
    );
  }
  gradients.forEach((gradient, i) => {
    if (
      gradient.shape.length !== parameters[i]!.shape.length ||
      gradient.shape.some((size, axis) => size !== parameters[i]!.shape[axis])
    ) {
      throw new ShapeError(
        `${where}: gradients[${i}] has shape ${formatShape(gradient.shape)}, expected ${formatShape(parameters[i]!.shape)} (from its parameter)`,
      );
    }
  });
}

/**
 * Two groups: matrices and larger, which decay, and vectors (biases, norm gains), which do not.
 *
 * @param weightDecay of the first group
 * @see Brown et al. 2020, GPT-3, appendix B; karpathy/nanoGPT: model.py, configure_optimizers.
 */
export function decayMatricesOnly(parameters: readonly Tensor[], weightDecay: number): ParameterGroup[] {
  const matrices = parameters.filter((parameter) => parameter.shape.length >= 2);
  const vectors = parameters.filter((parameter) => parameter.shape.length < 2);
  return [
    { parameters: matrices, weightDecay },
    { parameters: vectors, weightDecay: 0 },
  ].filter((group) => group.parameters.length > 0);
}
