import { CheckpointError, show } from "./errors.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.ts";

/** What each element type becomes in memory. float16 and bfloat16 are widened to float32, exactly. */
export interface ValuesByDType {
  BOOL: Uint8Array;
  U8: Uint8Array;
  I8: Int8Array;
  I16: Int16Array;
  U16: Uint16Array;
  F16: Float32Array;
  BF16: Float32Array;
  I32: Int32Array;
  U32: Uint32Array;
  F32: Float32Array;
  F64: Float64Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
}

/** Name of an element type as safetensors spells it. */
export type DType = keyof ValuesByDType;

/** Element types of the weights of a model. */
export type FloatDType = "F32" | "F16" | "BF16";

/**
 * An array of a checkpoint: element type of the file, shape, and the values row-major.
 *
 * I64 and U64 are BigInt arrays, so that no value is ever rounded; {@link toInt32} converts with a check.
 * F16 and BF16 hold float32 values, which are rounded to nearest even when written. BOOL is one byte an element, 0 or 1.
 */
export type NamedArray<D extends DType = DType> = D extends DType
  ? { readonly dtype: D; readonly shape: readonly number[]; readonly values: ValuesByDType[D] }
  : never;

/** Arrays by name, in the order in which they are stored or were added. */
export type NamedArrays = ReadonlyMap<string, NamedArray>;

type ArrayClass = {
  new (buffer: ArrayBufferLike, offset: number, length: number): ValuesByDType[DType];
  readonly name: string;
};

interface DTypeRow {
  /** Bytes of one element in the file. */
  readonly size: number;
  /** The array class of the values in memory. */
  readonly memory: ArrayClass;
  /** The array class of the values in the file, if it is another. */
  readonly stored?: typeof Uint16Array;
}

// In the order of the reference implementation, which sorts a file's tensors by it, last first.
const ROWS: Readonly<Record<DType, DTypeRow>> = {
  BOOL: { size: 1, memory: Uint8Array },
  U8: { size: 1, memory: Uint8Array },
  I8: { size: 1, memory: Int8Array },
  I16: { size: 2, memory: Int16Array },
  U16: { size: 2, memory: Uint16Array },
  F16: { size: 2, memory: Float32Array, stored: Uint16Array },
  BF16: { size: 2, memory: Float32Array, stored: Uint16Array },
  I32: { size: 4, memory: Int32Array },
  U32: { size: 4, memory: Uint32Array },
  F32: { size: 4, memory: Float32Array },
  F64: { size: 8, memory: Float64Array },
  I64: { size: 8, memory: BigInt64Array },
  U64: { size: 8, memory: BigUint64Array },
};

/** Every element type, in the order by which the reference implementation sorts. */
export const DTYPES: readonly DType[] = Object.freeze(Object.keys(ROWS) as DType[]);

/** Whether `name` is an element type this package reads. */
export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(ROWS, name);
}

/** Bytes of one element of `dtype` in a file. */
export function byteSize(dtype: DType): number {
  return ROWS[dtype].size;
}

/** Number of elements of `shape`, or undefined if it is beyond 2^53 - 1 (also where a later axis is 0, as in the reference). */
export function countElements(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const n of shape) {
    count *= n;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Values from the bytes of a file, which are little-endian; so is every machine this package supports.
 *
 * `bytes` must be a whole number of elements. Where no conversion is needed and the bytes are aligned the result shares
 * their memory.
 */
export function decodeValues(dtype: DType, bytes: Uint8Array): ValuesByDType[DType] {
  const { size, memory, stored } = ROWS[dtype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const length = bytes.length / size;
  if (stored === undefined) return new memory(aligned.buffer, aligned.byteOffset, length);
  const bits = new stored(aligned.buffer, aligned.byteOffset, length);
  return dtype === "F16" ? float16ToFloat32(bits) : bfloat16ToFloat32(bits);
}

/** Bytes of `array` as a file stores them; shares the memory of the values where no conversion is needed. */
export function encodeValues(array: NamedArray): Uint8Array {
  let values: ArrayBufferView = array.values;
  if (array.dtype === "F16") values = float32ToFloat16(array.values);
  else if (array.dtype === "BF16") values = float32ToBfloat16(array.values);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Throws unless `array` has a known element type, whole sizes, and values of the right class and number. */
export function checkArray(caller: string, name: string, array: NamedArray): void {
  const { dtype, shape, values }: { dtype: unknown; shape: readonly unknown[]; values: unknown } = array;
  const wrong = (what: string, expected: string, got: unknown): CheckpointError =>
    new CheckpointError(
      "value",
      `${caller}: tensor ${show(name)} has ${what}, expected ${expected}, got ${show(got)}.`,
    );
  if (!isDType(dtype)) throw wrong("an unknown dtype", `one of ${DTYPES.join(", ")}`, dtype);
  const whole = (n: unknown): n is number => Number.isSafeInteger(n) && Number(n) >= 0;
  if (!Array.isArray(shape) || !shape.every(whole)) {
    throw wrong("a wrong shape", "an array of integers from 0", shape);
  }
  const kind = ROWS[dtype].memory.name;
  // By class name, so that arrays of another realm (a worker, a vm context, an iframe) are accepted.
  if (!ArrayBuffer.isView(values) || values.constructor.name !== kind) {
    throw wrong(`wrong values for dtype ${dtype}`, `a ${kind}`, values);
  }
  const count = countElements(shape);
  if (count === undefined || count !== array.values.length) {
    const what = `another number of values than its shape ${show(shape)}`;
    throw wrong(what, String(count ?? "at most 2^53 - 1"), array.values.length);
  }
}

/**
 * The values of a floating-point array as float32: F32, F16 and BF16 without a change, F64 rounded.
 *
 * Shapes: array [...] -> as many values, row-major; F32, F16 and BF16 share their memory.
 *
 * @param array one array of a checkpoint
 * @param name of the array, for the message
 * @throws CheckpointError `dtype` if the array is not of a floating-point type
 */
export function toFloat32(array: NamedArray, name = "array"): Float32Array {
  if (array.dtype === "F32" || array.dtype === "F16" || array.dtype === "BF16") return array.values;
  if (array.dtype === "F64") return Float32Array.from(array.values);
  throw new CheckpointError(
    "dtype",
    `toFloat32: tensor ${show(name)} has dtype ${array.dtype}, expected F32, F16, BF16 or F64. Use toInt32 for integers.`,
  );
}

/**
 * The values of an integer or boolean array as int32, each checked to fit.
 *
 * Shapes: array [...] -> as many values, row-major; I32 shares its memory.
 *
 * @param array one array of a checkpoint
 * @param name of the array, for the message
 * @throws CheckpointError `dtype` if the array is of a floating-point type, `value` if an element is beyond int32
 */
export function toInt32(array: NamedArray, name = "array"): Int32Array {
  if (array.dtype === "I32") return array.values;
  if (array.dtype === "F16" || array.dtype === "BF16" || array.dtype === "F32" || array.dtype === "F64") {
    throw new CheckpointError(
      "dtype",
      `toInt32: tensor ${show(name)} has dtype ${array.dtype}, expected an integer type or BOOL. Use toFloat32 for floating point.`,
    );
  }
  const result = new Int32Array(array.values.length);
  for (let i = 0; i < result.length; i++) {
    const value = array.values[i] ?? 0;
    const number = Number(value); // a bigint that does not fit a double exactly is far beyond int32 too
    result[i] = number;
    if (result[i] !== number) {
      throw new CheckpointError(
        "value",
        `toInt32: tensor ${show(name)} has an element beyond int32, expected -2147483648 to 2147483647, got ${value} (element ${i}). Read its values as ${array.dtype}.`,
      );
    }
  }
  return result;
}

/**
 * The same arrays with every F32, F16 and BF16 array marked to be written as `dtype`; others stay. Values are not
 * touched: rounding happens when they are written.
 *
 * @example
 * const bytes = writeSafetensors(withFloatDType(weights, "BF16"));
 */
export function withFloatDType(arrays: NamedArrays, dtype: FloatDType): Map<string, NamedArray> {
  const result = new Map<string, NamedArray>();
  for (const [name, array] of arrays) {
    const isFloat = array.dtype === "F32" || array.dtype === "F16" || array.dtype === "BF16";
    result.set(name, isFloat ? { dtype, shape: array.shape, values: array.values } : array);
  }
  return result;
}
