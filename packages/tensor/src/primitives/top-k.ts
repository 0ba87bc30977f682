import { apply, expectDType } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis } from "../shape.ts";
import { arange, type Tensor } from "../tensor.ts";
import { equal } from "./equal.ts";
import { permute } from "./permute.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";

/** True if x comes before an earlier y: larger, or the first NaN. */
const beats = (x: number, y: number): boolean => (x !== x ? y === y : x > y);

/** The positions of the k first, in order: each element is inserted where it belongs among those before it. */
function selectRow(values: ArrayLike<number>, first: number, size: number, k: number): Int32Array {
  const best = new Int32Array(k);
  let found = 0;
  for (let i = 0; i < size; i++) {
    const value = values[first + i]!;
    if (found === k && (k === 0 || !beats(value, values[first + best[k - 1]!]!))) continue;
    let [low, high] = [0, found];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (beats(value, values[first + best[middle]!]!)) high = middle;
      else low = middle + 1;
    }
    found = Math.min(found + 1, k);
    best.copyWithin(low + 1, low, found - 1);
    best[low] = i;
  }
  return best;
}

export const topKPrimitive = definePrimitive<{ k: number }>({
  name: "topK",
  infer([x], { k }) {
    expectDType("topK", { x: x! }, "float32", "float64", "int32");
    const shape = [...x!.shape.slice(0, -1), k];
    return [
      { shape, dtype: x!.dtype },
      { shape, dtype: "int32" },
    ];
  },
  reference([x], [values, indices], { k }) {
    const size = x!.shape.at(-1)!;
    for (let row = 0; row * k < values!.values.length; row++) {
      const order = selectRow(x!.values, row * size, size, k);
      for (let i = 0; i < k; i++) {
        indices!.values[row * k + i] = order[i]!;
        values!.values[row * k + i] = x!.values[row * size + order[i]!]!;
      }
    }
  },
  gradient({ inputs: [x], outputs: [, indices], outputGradients: [g], attributes: { k } }) {
    const { shape, backend } = x!;
    const rows = shape.slice(0, -1);
    const picked = equal(reshape(indices!, [...rows, k, 1]), arange(0, shape.at(-1)!, { backend }));
    return [sum(select(picked, reshape(g!, [...rows, k, 1]), 0), { axes: -2 })];
  },
});

/**
 * The k largest elements along an axis, largest first, and their positions (int32). Of equal ones the first comes first.
 *
 * @param options.axis default the last
 * @throws RangeError if k is not a whole number in 0..size of the axis
 */
export function topK(
  x: Tensor,
  k: number,
  options: { readonly axis?: number } = {},
): { values: Tensor; indices: Tensor } {
  const rank = x.shape.length;
  const axis = normalizeAxis("topK", options.axis ?? -1, rank);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[axis]!)
    throw new RangeError(`topK: k is out of range, expected a whole number in 0..${x.shape[axis]}, got ${k}`);
  const swapped = x.shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  const toLast = (y: Tensor): Tensor => (axis === rank - 1 ? y : permute(y, swapped));
  const [values, indices] = apply(topKPrimitive, [toLast(x)], { k });
  return { values: toLast(values!), indices: toLast(indices!) };
}
