/** Shapes that do not fit: ranks, sizes, axes. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** Element types that do not fit. */
export class DTypeError extends Error {
  override readonly name = "DTypeError";
}

/** An operation that a backend cannot do, or that has no gradient. Names both. */
export class UnsupportedOpError extends Error {
  override readonly name = "UnsupportedOpError";
}

/** A tensor used after it was freed, or from another backend. */
export class TensorStateError extends Error {
  override readonly name = "TensorStateError";
}

/** `[2, 3]` as people read it in messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
