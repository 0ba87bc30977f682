import type { Backend } from "../backend.ts";
import { threefry } from "../rng.ts";
import { fromArray, type Tensor } from "../tensor.ts";
import type { DType, Shape } from "../types.ts";

/** Values of one tensor. `float` is float32 or float64, whichever is being tested. */
export interface Plain {
  readonly shape: Shape;
  readonly values: readonly number[];
  readonly dtype: "float" | "int32" | "bool";
}

/** One set of inputs of an operation, with what must come out. */
export interface Sample {
  readonly name: string;
  readonly inputs: readonly Plain[];
  run(inputs: readonly Tensor[], backend: Backend): Tensor | readonly Tensor[];
  /** Each output in row-major order, by a formula or loop of its own, in float64. */
  expected(inputs: readonly (readonly number[])[]): readonly (readonly number[])[];
  /** Check the gradients of the float inputs; false where the operation has jumps or the inputs are not finite. */
  readonly gradient: boolean;
  /** multiplies the tolerances; default 1, and 0 where every bit counts */
  readonly scale?: number;
}

export const count = (shape: Shape): number => shape.reduce((size, axis) => size * axis, 1);

let words: Uint32Array | undefined;

/** Numbers in [low, high) that depend on the name alone, exact in float32. */
export function draws(name: string, length: number, low = -2, high = 2): number[] {
  words ??= new Uint32Array(2);
  const seed = [...name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7);
  return Array.from({ length }, (_, i) => {
    threefry(seed, 20, i, 0, words!);
    return Math.fround(low + (high - low) * (words![0]! / 2 ** 32));
  });
}

export const float = (name: string, shape: Shape, low?: number, high?: number): Plain => ({
  shape,
  dtype: "float",
  values: draws(name, count(shape), low, high),
});

/** Whole numbers in 0..bound-1. */
export const indices = (name: string, shape: Shape, bound: number): Plain => ({
  shape,
  dtype: "int32",
  values: draws(name, count(shape), 0, bound).map(Math.floor),
});

export const bools = (name: string, shape: Shape): Plain => ({
  shape,
  dtype: "bool",
  values: draws(name, count(shape)).map((x) => Number(x > 0)),
});

export const given = (
  values: readonly number[],
  shape: Shape = [values.length],
  dtype: Plain["dtype"] = "float",
): Plain => ({ shape, values: dtype === "float" ? values.map(Math.fround) : values, dtype });

export const dtypeOf = (plain: Plain, floatType: DType): DType => (plain.dtype === "float" ? floatType : plain.dtype);

export function toTensor(plain: Plain, backend: Backend, floatType: DType): Tensor {
  return fromArray(plain.values, plain.shape, { dtype: dtypeOf(plain, floatType), backend });
}

/** A list with one item replaced. */
export const replaced = (list: readonly number[], at: number, value: number): number[] =>
  list.map((item, i) => (i === at ? value : item));

/** Indices of every element of a shape, in row-major order. */
export function everyIndex(shape: Shape): number[][] {
  return Array.from({ length: count(shape) }, (_, flat) => {
    const index = new Array<number>(shape.length);
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return index;
  });
}

/** Position of an index in row-major order; an axis of size 1 is read at 0, and leading axes may be missing. */
export function position(index: readonly number[], shape: Shape): number {
  const lead = index.length - shape.length;
  return shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : index[axis + lead]!), 0);
}

/** Values at which formulas break. */
export const specials: readonly number[] = [0, -0, 1, -1, 0.5, 1e4, -1e4, 1e-30, NaN, Infinity, -Infinity];

/** Lengths around the widths of vectors, tiles and chunks, and none that is a multiple of them. */
export const lengths: readonly number[] = [0, 1, 2, 3, 5, 7, 13, 17, 67, 129, 1031];
