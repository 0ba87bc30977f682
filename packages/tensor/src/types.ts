/** Element types. `float64` exists on the reference backend only; `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "bool";

/** The JavaScript array that holds values of each element type. */
export interface DTypeArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  bool: Uint8Array;
}

export type TypedArray = DTypeArrays[DType];

/** Sizes of the axes, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** What a tensor is, without its values. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Bytes of one element. */
export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

interface ArrayConstructor {
  new (length: number): TypedArray;
  new (memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
}

const constructors: Readonly<Record<DType, ArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** A zero-filled array of the type that stores `dtype`. */
export function makeArray(dtype: DType, length: number): TypedArray {
  return new constructors[dtype](length);
}

/** A view of `bytes` bytes of `memory` from `byteOffset` as `dtype`. */
export function viewArray(dtype: DType, memory: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new constructors[dtype](memory, byteOffset, length);
}

export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}
