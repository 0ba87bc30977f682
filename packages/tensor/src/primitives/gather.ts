import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis, sizeOf } from "../shape.ts";
import { hostValues, type Tensor } from "../tensor.ts";
import { scatterAdd } from "./scatter-add.ts";

/** Throws unless every index, where the host can see them, is below `size`. `also` is one more value that is allowed. */
export function checkIndices(where: string, argument: string, indices: Tensor, size: number, also?: number): void {
  const values = hostValues(indices);
  if (!values) return;
  for (let i = 0; i < values.length; i++) {
    const index = values[i]!;
    if ((index < 0 || index >= size) && index !== also) {
      const rule = also === undefined ? `0..${size - 1}` : `0..${size - 1} or ${also}`;
      throw new RangeError(
        `${where}: ${argument} has a value out of range at position ${i}, expected ${rule}, got ${index}`,
      );
    }
  }
}

export const gatherPrimitive = definePrimitive<{ axis: number }>({
  name: "gather",
  infer([x, indices], { axis }) {
    expectDType("gather", { indices: indices! }, "int32");
    return [{ shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], dtype: x!.dtype }];
  },
  reference([x, indices], [y], { axis }) {
    const outer = sizeOf(x!.shape.slice(0, axis));
    const inner = sizeOf(x!.shape.slice(axis + 1));
    const size = x!.shape[axis]!;
    const count = indices!.values.length;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const from = (o * size + indices!.values[i]!) * inner;
        y!.values.set(x!.values.subarray(from, from + inner), (o * count + i) * inner);
      }
    }
  },
  gradient({ inputs: [x, indices], outputGradients: [g], attributes: { axis } }) {
    return [scatterAdd(g!, indices!, { axis, size: x!.shape[axis]! }), undefined];
  },
});

/**
 * Picks positions along an axis; the shape of the indices takes the axis' place.
 *
 * Shapes: x [...a, N, ...b], indices int32 [...i] -> [...a, ...i, ...b]. As numpy.take.
 * @param options.axis default 0
 * @throws RangeError if an index is not in 0..N-1 (on backends whose memory the host can see)
 * @example
 * const embedded = gather(table, tokens); // [V, E], [B, T] -> [B, T, E]
 */
export function gather(x: Tensor, indices: Tensor, options: { readonly axis?: number } = {}): Tensor {
  const axis = normalizeAxis("gather", options.axis ?? 0, x.shape.length);
  expectDType("gather", { indices }, "int32");
  checkIndices("gather", "indices", indices, x.shape[axis]!);
  return applyOne(gatherPrimitive, [x, indices], { axis });
}
