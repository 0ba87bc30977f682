import type { Backend } from "./backend.ts";
import { currentBackend } from "./default-backend.ts";
import { engine } from "./engine.ts";
import { DTypeError, formatShape, ShapeError, TensorStateError, UnsupportedOpError } from "./errors.ts";
import { checkShape, sizeOf } from "./shape.ts";
import { type BufferCount, countOf, Storage } from "./storage.ts";
import { bytesPerElement, type DType, type DTypeArrays, makeArray, type Shape, type TypedArray } from "./types.ts";

const brand = Symbol.for("heed.tensor");
/** Node 20.19 and every current browser but a few have `Symbol.dispose`; the others lose only `using`. */
const disposeSymbol: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

let registry: FinalizationRegistry<Storage> | undefined;

/**
 * An n-dimensional array: contiguous, row-major, living on a backend.
 *
 * Values never change, except by `assign`. Freed by the `scope` it was made in, by `dispose` or `using`; a tensor
 * outside every scope that nobody disposes is freed when the garbage collector finds it.
 */
export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly [brand] = true;
  /** @internal */
  storage: Storage | undefined;

  /** @internal Takes over one reference of `storage`. */
  constructor(storage: Storage, shape: Shape, dtype: DType) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    const scope = engine.scopes.at(-1);
    if (scope) scope.tensors.add(this);
    else watch(this);
  }

  get backend(): Backend {
    return liveStorage(this).backend;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.storage === undefined;
  }

  /** Frees the memory, unless other tensors share it. A tape that still needs the values keeps them until it ends. */
  dispose(): void {
    if (!this.storage) return;
    const tape = engine.tapes.find((open) => open.saved.has(this));
    if (tape) {
      tape.deferred.add(this);
      return;
    }
    registry?.unregister(this);
    this.storage.release();
    this.storage = undefined;
  }

  [disposeSymbol](): void {
    this.dispose();
  }

  toString(): string {
    return `Tensor ${this.dtype} ${formatShape(this.shape)}`;
  }
}

/** The last net under a tensor that no scope owns. @internal */
export function watch(tensor: Tensor): void {
  registry ??= new FinalizationRegistry((storage) => storage.release());
  registry.register(tensor, tensor.storage!, tensor);
}

/** True for tensors of any copy of this package. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && brand in value;
}

/** @internal */
export function liveStorage(x: Tensor, where = "tensor"): Storage {
  if (!x.storage) {
    throw new TensorStateError(
      `${where}: tensor ${formatShape(x.shape)} was freed, expected a live one. Return it from its scope or call keep on it`,
    );
  }
  return x.storage;
}

/** @internal */
export function makeTensor(backend: Backend, shape: Shape, dtype: DType): Tensor {
  if (!backend.supports(dtype)) {
    throw new DTypeError(`tensor: dtype ${dtype} does not exist on backend ${backend.name}, expected one of its own`);
  }
  return new Tensor(Storage.allocate(backend, sizeOf(shape) * bytesPerElement[dtype]), shape, dtype);
}

/** A scalar of the type and backend of another tensor. @internal */
export function scalarLike(like: Tensor, value: number): Tensor {
  const out = makeTensor(like.backend, [], like.dtype);
  const stored = makeArray(like.dtype, 1);
  stored[0] = like.dtype === "bool" ? Number(value !== 0) : value;
  like.backend.write(out.storage!.buffer, stored);
  return out;
}

/** A tensor that shares the elements of `x` from `offset` on; undefined where the backend cannot. @internal */
export function sharePart(x: Tensor, offset: number, shape: Shape): Tensor | undefined {
  const bytes = bytesPerElement[x.dtype];
  const part = liveStorage(x).part(offset * bytes, sizeOf(shape) * bytes);
  return part && new Tensor(part, shape, x.dtype);
}

/** The memory itself, where the host can see it; valid until the next allocation. @internal */
export function hostValues(x: Tensor): TypedArray | undefined {
  const { backend, buffer } = liveStorage(x);
  return backend.hostView?.(buffer, x.dtype, x.size);
}

/** Options of functions that make tensors from nothing. */
export interface CreateOptions<D extends DType = DType> {
  /** default `float32`; from `fromArray`, what the array stores */
  readonly dtype?: D;
  /** default: the one set by `useBackend` */
  readonly backend?: Backend;
}

export type NestedArray = number | boolean | readonly NestedArray[];

function flatten(value: NestedArray, depth: number, shape: number[], out: number[]): void {
  if (typeof value !== "object") {
    if (depth !== shape.length)
      throw new ShapeError("tensor: values are ragged, expected lists of equal length at every depth");
    out.push(Number(value));
    return;
  }
  if (value.length !== shape[depth])
    throw new ShapeError("tensor: values are ragged, expected lists of equal length at every depth");
  for (const item of value) flatten(item, depth + 1, shape, out);
}

/**
 * A tensor from nested lists: `tensor([[1, 2], [3, 4]])` has shape [2, 2].
 *
 * @throws ShapeError if the lists are ragged
 */
export function tensor(values: NestedArray, options: CreateOptions = {}): Tensor {
  const shape: number[] = [];
  for (let level = values; typeof level === "object"; level = level[0]!) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: number[] = [];
  flatten(values, 0, shape, flat);
  return fromArray(flat, shape, { dtype: "float32", ...options });
}

const dtypeOfArray = (values: ArrayLike<number>): DType =>
  values instanceof Float64Array
    ? "float64"
    : values instanceof Int32Array
      ? "int32"
      : values instanceof Uint8Array
        ? "bool"
        : "float32";

/**
 * A tensor of `shape` from a flat array in row-major order; the values are copied.
 *
 * DTypes: without `dtype`, Float32Array (and plain lists) give float32, Float64Array float64, Int32Array int32, Uint8Array bool.
 * @throws ShapeError if the number of values is not the product of the shape
 */
export function fromArray(values: ArrayLike<number>, shape: Shape, options: CreateOptions = {}): Tensor {
  checkShape("fromArray", shape);
  const size = sizeOf(shape);
  if (values.length !== size) {
    throw new ShapeError(
      `fromArray: values has ${values.length} elements, expected ${size} (from shape ${formatShape(shape)})`,
    );
  }
  const dtype = options.dtype ?? dtypeOfArray(values);
  const backend = options.backend ?? currentBackend();
  const out = makeTensor(backend, [...shape], dtype);
  backend.write(out.storage!.buffer, toStored(values, dtype));
  return out;
}

function toStored(values: ArrayLike<number>, dtype: DType): TypedArray {
  const stored = makeArray(dtype, 0);
  if (values.constructor === stored.constructor && dtype !== "bool") return values as TypedArray;
  const array = makeArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) array[i] = dtype === "bool" ? Number(values[i] !== 0) : values[i]!;
  return array;
}

/** A tensor filled with one value. */
export function full(shape: Shape, value: number | boolean, options: CreateOptions = {}): Tensor {
  return filled(
    "full",
    shape,
    Number(value),
    options.dtype ?? (typeof value === "boolean" ? "bool" : "float32"),
    options,
  );
}

function filled(where: string, shape: Shape, value: number, dtype: DType, { backend }: CreateOptions): Tensor {
  checkShape(where, shape);
  return fromArray(makeArray(dtype, sizeOf(shape)).fill(value), shape, { dtype, ...(backend && { backend }) });
}

export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return filled("zeros", shape, 0, options.dtype ?? "float32", options);
}

export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return filled("ones", shape, 1, options.dtype ?? "float32", options);
}

/** The whole numbers from `start` to `end`, without `end`, as int32 unless told otherwise. */
export function arange(start: number, end: number, options: CreateOptions = {}): Tensor {
  const length = Math.max(0, Math.ceil(end - start));
  return fromArray(
    Array.from({ length }, (_, i) => start + i),
    [length],
    { dtype: "int32", ...options },
  );
}

/** The values in row-major order, as a copy. The one asynchronous operation. */
export async function data<D extends DType = DType>(x: Tensor): Promise<DTypeArrays[D]> {
  const { backend, buffer } = liveStorage(x, "data");
  return (await backend.read(buffer, x.dtype, x.size)) as DTypeArrays[D];
}

/**
 * The values in row-major order, at once, as a copy.
 *
 * @throws UnsupportedOpError if the backend can only read asynchronously
 */
export function dataSync<D extends DType = DType>(x: Tensor): DTypeArrays[D] {
  const { backend, buffer } = liveStorage(x, "dataSync");
  if (!backend.readSync)
    throw new UnsupportedOpError(`dataSync: backend ${backend.name} reads asynchronously only. Use await data(x)`);
  return backend.readSync(buffer, x.dtype, x.size) as DTypeArrays[D];
}

/** The value of a tensor with one element, at once. @throws ShapeError if it has more or fewer. */
export function item(x: Tensor): number {
  if (x.size !== 1) throw new ShapeError(`item: x has ${x.size} elements in shape ${formatShape(x.shape)}, expected 1`);
  return dataSync(x)[0]!;
}

/** Live buffers and bytes, on one backend (default: the current one). */
export function countBuffers(backend: Backend = currentBackend()): Readonly<BufferCount> {
  return { ...countOf(backend) };
}
