import { add, formatShape, ShapeError, type Tensor } from "@heed/tensor";
import { type Convolution, createConvolution } from "./convolution.ts";
import type { Initializer } from "./init.ts";

/** What is added to its input must have its shape, or broadcasting would hide that it has not. */
function checkSameLength({ weight, stride, dilation, padding, numGroups }: Convolution, i: number): void {
  const [dOut, width, size] = weight.shape as [number, number, number];
  const complain = (what: string, expected: string, got: number | string): never => {
    throw new ShapeError(`DilatedStack: layer ${i} ${what}, expected ${expected}, got ${got}`);
  };
  if (weight.shape.length !== 3 || width * numGroups !== dOut)
    complain("gives other channels than it takes", "weight [E, E / groups, K]", formatShape(weight.shape));
  if (stride !== 1) complain("skips places", "stride 1", stride);
  if (padding !== "causal" && 2 * padding !== dilation * (size - 1))
    complain(
      "gives another number of places than it takes",
      `padding "causal" or ${(dilation * (size - 1)) / 2}`,
      padding,
    );
}

/**
 * Causal or plain convolutions whose dilation doubles: 1, 2, 4, ..., so that few layers see far.
 *
 * Each is added to its input after an activation. Shapes: x [B, T, E] -> [B, T, E].
 * @see van den Oord et al. 2016, WaveNet, section 2.1, arXiv:1609.03499; Bai et al. 2018, arXiv:1803.01271. Differs: no gate.
 */
export class DilatedStack {
  readonly layers: readonly Convolution[];
  readonly activation: (x: Tensor) => Tensor;

  /** @throws ShapeError if a layer does not give as many places and channels as it takes, in one dimension */
  constructor(layers: readonly Convolution[], activation: (x: Tensor) => Tensor) {
    for (const [i, layer] of layers.entries()) checkSameLength(layer, i);
    this.layers = layers;
    this.activation = activation;
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => add(y, this.activation(layer.forward(y))), x);
  }

  /** Places that one output sees. */
  get receptiveField(): number {
    return this.layers.reduce((field, { weight, dilation }) => field + dilation * (weight.shape[2]! - 1), 1);
  }
}

/** What a new {@link DilatedStack} is made of. */
export interface DilatedStackOptions {
  readonly dModel: number;
  /** places in a window; odd where not causal */
  readonly size: number;
  readonly numLayers: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly weight: Initializer;
  readonly bias?: Initializer | undefined;
  /** sees nothing later; default true */
  readonly causal?: boolean;
}

/**
 * A dilated stack with new weights; layer i has the dilation 2^i.
 *
 * @throws RangeError if a window that is not causal has no center
 * @example
 * const stack = createDilatedStack({ dModel: 4, size: 2, numLayers: 3, activation: reluActivation, weight: zerosInit() });
 */
export function createDilatedStack({
  dModel,
  size,
  numLayers,
  activation,
  weight,
  bias,
  causal = true,
}: DilatedStackOptions): DilatedStack {
  if (!causal && size % 2 === 0)
    throw new RangeError(
      `createDilatedStack: size has no center, expected an odd number where not causal, got ${size}`,
    );
  const layers = Array.from({ length: numLayers }, (_, i) => {
    const dilation = 2 ** i;
    const padding = causal ? "causal" : (dilation * (size - 1)) / 2;
    return createConvolution({ dIn: dModel, dOut: dModel, size, weight, bias, dilation, padding });
  });
  return new DilatedStack(layers, activation);
}
