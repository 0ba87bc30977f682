import {
  add,
  bindShapes,
  expandDims,
  formatShape,
  matmul,
  pad,
  permute,
  reshape,
  ShapeError,
  squeeze,
  type Tensor,
  unfold,
} from "@heed/tensor";
import type { Initializer } from "./init.ts";

/** How a kernel moves. */
export interface ConvolutionOptions {
  /** places between windows; default 1 */
  readonly stride?: number;
  /** places between the elements of a window; default 1 */
  readonly dilation?: number;
  /** zeros at both ends, or `"causal"`: all at the front, so that place t sees none after t; default 0 */
  readonly padding?: number | "causal";
  /** channels fall into this many groups that do not see each other; default 1 */
  readonly numGroups?: number;
}

function checkWhole(argument: string, value: number, least: number, where = "Convolution"): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
}

/** Zeros before and after an axis. */
function ends(padding: number | "causal", size: number, dilation: number): readonly [number, number] {
  return padding === "causal" ? [dilation * (size - 1), 0] : [padding, padding];
}

/**
 * A convolution over places in one or two dimensions; in the form of a matrix product over sliding windows.
 *
 * Shapes: weight [Cout, Cin / groups, K] or [Cout, Cin / groups, Ky, Kx] as PyTorch stores it, bias [Cout] or none;
 * x [B, T, Cin] -> [B, T', Cout], or [B, rows, columns, Cin] -> [B, rows', columns', Cout]: channels come last.
 * Cost: memory of K times the input for the windows.
 * @see LeCun et al. 1989, Backpropagation Applied to Handwritten Zip Code Recognition. As torch.nn.Conv1d and Conv2d,
 *   with channels last.
 */
export class Convolution {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number | "causal";
  readonly numGroups: number;

  /** @throws ShapeError if weight or bias do not fit; RangeError for options out of range */
  constructor(weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}) {
    const { stride = 1, dilation = 1, padding = 0, numGroups = 1 } = options;
    const rank = weight.shape.length;
    if (rank !== 3 && rank !== 4)
      throw new ShapeError(
        `Convolution: weight has shape ${formatShape(weight.shape)}, expected [Cout, Cin / groups, K] or [Cout, Cin / groups, Ky, Kx]`,
      );
    if (bias) bindShapes("Convolution", { bias: [bias, "Cout"] });
    checkWhole("stride", stride, 1);
    checkWhole("dilation", dilation, 1);
    if (padding !== "causal") checkWhole("padding", padding, 0);
    checkWhole("numGroups", numGroups, 1);
    const dOut = weight.shape[0]!;
    if (dOut % numGroups !== 0 || (bias && bias.shape[0] !== dOut))
      throw new ShapeError(
        `Convolution: weight has Cout=${dOut} in shape ${formatShape(weight.shape)}, expected ${dOut % numGroups !== 0 ? `a multiple of ${numGroups} groups` : `that of bias ${formatShape(bias!.shape)}`}`,
      );
    this.weight = weight;
    this.bias = bias;
    this.stride = stride;
    this.dilation = dilation;
    this.padding = padding;
    this.numGroups = numGroups;
  }

  /** @throws ShapeError if x has other axes or channels than the weight, or no window fits */
  forward(x: Tensor): Tensor {
    const kernel = this.weight.shape.slice(2);
    const places = kernel.length;
    const dIn = this.weight.shape[1]! * this.numGroups;
    if (x.shape.length !== places + 2 || x.shape.at(-1) !== dIn)
      throw new ShapeError(
        `Convolution: x has shape ${formatShape(x.shape)}, expected [B, ${places === 1 ? "T" : "rows, columns"}, ${dIn}] (from weight ${formatShape(this.weight.shape)} and ${this.numGroups} groups)`,
      );
    const around = kernel.map((size) => ends(this.padding, size, this.dilation));
    kernel.forEach((size, axis) => {
      const given = x.shape[axis + 1]! + around[axis]![0] + around[axis]![1];
      const reach = this.dilation * (size - 1) + 1;
      if (given < reach)
        throw new ShapeError(
          `Convolution: x has ${given} places with padding in axis ${axis + 1} of shape ${formatShape(x.shape)}, expected at least ${reach} (from weight ${formatShape(this.weight.shape)} and dilation ${this.dilation})`,
        );
    });
    const padded = pad(x, [0, ...around.map(([before]) => before), 0], [0, ...around.map(([, after]) => after), 0]);
    const y =
      places === 1 ? squeeze(this.windows(expandDims(padded, 1), [1, kernel[0]!]), 1) : this.windows(padded, kernel);
    return this.bias ? add(y, this.bias) : y;
  }

  /** Sliding windows of [B, rows, columns, Cin] times the weight of each group. */
  private windows(x: Tensor, kernel: readonly number[]): Tensor {
    const { stride, dilation, numGroups } = this;
    const [Ky, Kx] = kernel as [number, number];
    const tall = unfold(x, {
      axis: 1,
      size: Ky,
      ...(Ky > 1 || this.weight.shape.length === 4 ? { step: stride, dilation } : {}),
    });
    const both = unfold(tall, { axis: 3, size: Kx, step: stride, dilation }); // [B, rows', Ky, columns', Kx, Cin]
    const [B, rows, , columns] = both.shape as [number, number, number, number];
    const width = this.weight.shape[1]!;
    const size = width * Ky * Kx;
    const grouped = reshape(both, [B, rows, Ky, columns, Kx, numGroups, width]);
    const rowsOfGroup = reshape(permute(grouped, [5, 0, 1, 3, 6, 2, 4]), [numGroups, B * rows * columns, size]);
    const weights = reshape(this.weight, [numGroups, this.weight.shape[0]! / numGroups, size]);
    const y = permute(matmul(rowsOfGroup, weights, { transposeB: true }), [1, 0, 2]);
    return reshape(y, [B, rows, columns, this.weight.shape[0]!]);
  }
}

/** Widths and first values of a new convolution, and how it moves. */
export interface NewConvolutionOptions extends ConvolutionOptions {
  readonly dIn: number;
  readonly dOut: number;
  /** places in a window: K for one dimension, [Ky, Kx] for two */
  readonly size: number | readonly [number, number];
  readonly weight: Initializer;
  /** first values of the bias; without it there is none */
  readonly bias?: Initializer | undefined;
}

/**
 * A convolution with new weights.
 *
 * @throws RangeError if a width or size is below 1, or dIn is not a multiple of the groups
 * @example
 * const layer = createConvolution({ dIn: 2, dOut: 4, size: 3, padding: "causal", weight: zerosInit(), bias: zerosInit() });
 */
export function createConvolution({ dIn, dOut, size, weight, bias, ...options }: NewConvolutionOptions): Convolution {
  const kernel = typeof size === "number" ? [size] : size;
  const { numGroups = 1 } = options;
  for (const [argument, value] of Object.entries({ dIn, dOut, numGroups }))
    checkWhole(argument, value, 1, "createConvolution");
  for (const places of kernel) checkWhole("size", places, 1, "createConvolution");
  if (dIn % numGroups !== 0)
    throw new RangeError(`createConvolution: dIn does not fit, expected a multiple of ${numGroups} groups, got ${dIn}`);
  return new Convolution(weight([dOut, dIn / numGroups, ...kernel]), bias?.([dOut]), options);
}
