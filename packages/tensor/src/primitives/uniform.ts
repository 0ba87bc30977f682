import { create } from "../apply.ts";
import { currentBackend } from "../default-backend.ts";
import { DTypeError } from "../errors.ts";
import { definePrimitive, type Primitive } from "../operation.ts";
import { type Rng, threefry } from "../rng.ts";
import { checkShape } from "../shape.ts";
import type { CreateOptions, Tensor } from "../tensor.ts";
import { type DType, isFloat, type Shape, type TypedArray } from "../types.ts";
import { add } from "./add.ts";
import { multiply } from "./multiply.ts";

/** Names every element of a draw: element i depends on key, stream and i alone. */
export interface DrawAttributes {
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A primitive without inputs that fills its output with pairs of values, each made from 64 random bits. */
export function draw(
  name: string,
  fillPair: (words: Uint32Array, pair: Float64Array) => void,
): Primitive<DrawAttributes> {
  return definePrimitive<DrawAttributes>({
    name,
    infer: (_, { shape, dtype }) => [{ shape, dtype }],
    reference: (_, [y], attributes) => fill(y!.values, attributes, fillPair),
  });
}

function fill(
  values: TypedArray,
  { key0, key1, stream }: DrawAttributes,
  fillPair: (words: Uint32Array, pair: Float64Array) => void,
): void {
  const words = new Uint32Array(2);
  const pair = new Float64Array(2);
  for (let i = 0; i < values.length; i += 2) {
    threefry(key0, key1, i >>> 1, stream, words);
    fillPair(words, pair);
    values[i] = pair[0]!;
    if (i + 1 < values.length) values[i + 1] = pair[1]!;
  }
}

/** The top 24 bits of a word as a fraction: exact in float32. */
export const fraction = (word: number): number => (word >>> 8) * 2 ** -24;

export const uniformPrimitive = draw("uniform", (words, pair) => {
  pair[0] = fraction(words[0]!);
  pair[1] = fraction(words[1]!);
});

/** Options of functions that draw tensors. */
export interface DrawOptions extends CreateOptions {
  /** each tensor takes one stream of it */
  readonly rng: Rng;
}

/** One draw of a primitive, on the next stream of the generator. */
export function drawOne(
  primitive: Primitive<DrawAttributes>,
  shape: Shape,
  { rng, dtype = "float32", backend = currentBackend() }: DrawOptions,
): Tensor {
  checkShape(primitive.name, shape);
  if (!isFloat(dtype))
    throw new DTypeError(`${primitive.name}: dtype is not a float type, expected float32 or float64, got ${dtype}`);
  return create(primitive, backend, {
    key0: rng.key[0],
    key1: rng.key[1],
    stream: rng.nextStream(),
    shape: [...shape],
    dtype,
  });
}

/** scale * x + shift without passes that change nothing. */
export function rescale(x: Tensor, scale: number, shift: number): Tensor {
  const scaled = scale === 1 ? x : multiply(x, scale);
  const shifted = shift === 0 ? scaled : add(scaled, shift);
  if (scaled !== x) x.dispose();
  if (shifted !== scaled) scaled.dispose();
  return shifted;
}

/**
 * Uniform draws in [low, high), multiples of 2^-24 of the range: the same on every backend.
 *
 * @param options.low finite; default 0
 * @param options.high finite, not below low; default 1
 * @throws RangeError if low or high is not finite, or high is below low
 */
export function uniform(
  shape: Shape,
  options: DrawOptions & { readonly low?: number; readonly high?: number },
): Tensor {
  const { low = 0, high = 1 } = options;
  if (!Number.isFinite(low) || !Number.isFinite(high) || high < low) {
    throw new RangeError(
      `uniform: low and high are not a range, expected finite numbers, low <= high, got ${low} and ${high}`,
    );
  }
  return rescale(drawOne(uniformPrimitive, shape, options), high - low, low);
}
