import { apply } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis, sizeOf } from "../shape.ts";
import { full, sharePart, type Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { concatenate } from "./concatenate.ts";

export interface SplitAttributes {
  readonly axis: number;
  readonly sizes: readonly number[];
}

const partShapes = (shape: Shape, { axis, sizes }: SplitAttributes): number[][] =>
  sizes.map((size) => shape.map((whole, other) => (other === axis ? size : whole)));

export const splitPrimitive = definePrimitive<SplitAttributes>({
  name: "split",
  infer: ([x], attributes) => partShapes(x!.shape, attributes).map((shape) => ({ shape, dtype: x!.dtype })),
  share([x], attributes) {
    const { axis } = attributes;
    if (x!.size === 0 || sizeOf(x!.shape.slice(0, axis)) !== 1) return undefined;
    const row = sizeOf(x!.shape.slice(axis + 1));
    let first = 0;
    const parts: Tensor[] = [];
    for (const shape of partShapes(x!.shape, attributes)) {
      const part = sharePart(x!, first * row, shape);
      if (!part) return undefined;
      parts.push(part);
      first += shape[axis]!;
    }
    return parts;
  },
  reference([x], outputs, { axis }) {
    const rows = sizeOf(x!.shape.slice(0, axis));
    const width = sizeOf(x!.shape.slice(axis));
    let first = 0;
    for (const y of outputs) {
      const own = sizeOf(y.shape.slice(axis));
      for (let row = 0; row < rows; row++)
        y.values.set(x!.values.subarray(row * width + first, row * width + first + own), row * own);
      first += own;
    }
  },
  gradient({ inputs: [x], outputs, outputGradients, attributes: { axis } }) {
    const { dtype, backend } = x!;
    return [
      concatenate(
        outputGradients.map((g, i) => g ?? full(outputs[i]!.shape, 0, { dtype, backend })),
        { axis },
      ),
    ];
  },
});

/**
 * Cuts a tensor into parts along an axis. Parts share memory where they are contiguous. DTypes: any.
 *
 * @param sizes of the parts; they add up to the size of the axis
 * @param options.axis default 0
 * @throws ShapeError if they do not
 * @example
 * const [q, k, v] = split(qkv, [E, E, E], { axis: -1 });
 */
export function split(x: Tensor, sizes: readonly number[], { axis = 0 }: { readonly axis?: number } = {}): Tensor[] {
  const normalized = normalizeAxis("split", axis, x.shape.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[normalized] || !sizes.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new ShapeError(
      `split: sizes do not fit, expected whole numbers >= 0 that add up to ${x.shape[normalized]} (from x ${formatShape(x.shape)}, axis ${normalized}), got ${formatShape(sizes)}`,
    );
  }
  return [...apply(splitPrimitive, [x], { axis: normalized, sizes: [...sizes] })];
}
