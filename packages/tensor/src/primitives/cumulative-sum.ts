import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

export interface CumulativeSumAttributes {
  readonly axis: number;
  /** from the end backwards */
  readonly reverse: boolean;
  /** without the element itself */
  readonly exclusive: boolean;
}

export const cumulativeSumPrimitive = definePrimitive<CumulativeSumAttributes>({
  name: "cumulativeSum",
  infer([x]) {
    expectDType("cumulativeSum", { x: x! }, "float32", "float64", "int32");
    return [{ shape: x!.shape, dtype: x!.dtype }];
  },
  reference([x], [y], { axis, reverse, exclusive }) {
    const size = x!.shape[axis]!;
    const inner = sizeOf(x!.shape.slice(axis + 1));
    const outer = sizeOf(x!.shape.slice(0, axis));
    for (let line = 0; line < outer * inner; line++) {
      const first = Math.floor(line / inner) * size * inner + (line % inner);
      let total = 0;
      for (let i = 0; i < size; i++) {
        const at = first + (reverse ? size - 1 - i : i) * inner;
        const next = total + x!.values[at]!;
        y!.values[at] = exclusive ? total : next;
        total = next;
      }
    }
  },
  gradient({ outputGradients: [g], attributes: { axis, reverse, exclusive } }) {
    return [cumulativeSum(g!, { axis, reverse: !reverse, exclusive })];
  },
});

/**
 * Running sums along an axis.
 *
 * @param options.axis default the last
 * @param options.reverse sum from the end; default false
 * @param options.exclusive leave the element itself out; default false
 * @throws ShapeError if the axis is out of range
 */
export function cumulativeSum(x: Tensor, options: Partial<CumulativeSumAttributes> = {}): Tensor {
  const { reverse = false, exclusive = false } = options;
  return applyOne(cumulativeSumPrimitive, [x], {
    axis: normalizeAxis("cumulativeSum", options.axis ?? -1, x.shape.length),
    reverse,
    exclusive,
  });
}
