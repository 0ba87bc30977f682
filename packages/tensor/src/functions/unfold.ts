import { formatShape, ShapeError } from "../errors.ts";
import { gather } from "../primitives/gather.ts";
import { normalizeAxis } from "../shape.ts";
import { fromArray, type Tensor } from "../tensor.ts";

/** Options of {@link unfold}. */
export interface UnfoldOptions {
  /** default the first */
  readonly axis?: number;
  /** positions in a window, at least 1 */
  readonly size: number;
  /** positions between the starts of windows, at least 1; default 1 */
  readonly step?: number;
  /** positions between the elements of a window, at least 1; default 1 */
  readonly dilation?: number;
}

/**
 * Sliding windows along an axis, which becomes two axes: windows and their elements. Incomplete windows are left out.
 *
 * Shapes: x [...a, N, ...b] -> [...a, W, size, ...b], W = floor((N - dilation (size - 1) - 1) / step) + 1.
 * A one-dimensional convolution is a `linear` on the windows of x [B, T, E] along axis 1, as [B, W, size * E].
 * @throws RangeError for a size, step or dilation below 1; ShapeError if no window fits
 */
export function unfold(x: Tensor, options: UnfoldOptions): Tensor {
  const { size, step = 1, dilation = 1 } = options;
  for (const [argument, value] of Object.entries({ size, step, dilation })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`unfold: ${argument} is out of range, expected a whole number >= 1, got ${value}`);
  }
  const axis = normalizeAxis("unfold", options.axis ?? 0, x.shape.length);
  const span = dilation * (size - 1) + 1;
  const count = Math.floor((x.shape[axis]! - span) / step) + 1;
  if (count < 1)
    throw new ShapeError(
      `unfold: x has size ${x.shape[axis]} at axis ${axis} in shape ${formatShape(x.shape)}, expected at least ${span} (from size ${size}, dilation ${dilation})`,
    );
  const indices = Int32Array.from(
    { length: count * size },
    (_, i) => Math.floor(i / size) * step + (i % size) * dilation,
  );
  return gather(x, fromArray(indices, [count, size], { backend: x.backend }), { axis });
}
