import { applyOne, expectDType } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { forEachGroup, reducedShape, squeezedShape } from "./reduce.ts";
import { reshape } from "./reshape.ts";

export const argmaxPrimitive = definePrimitive<{ axis: number }>({
  name: "argmax",
  infer([x], { axis }) {
    expectDType("argmax", { x: x! }, "float32", "float64", "int32");
    if (x!.shape[axis] === 0)
      throw new ShapeError(
        `argmax: x has size 0 at axis ${axis} in shape ${formatShape(x!.shape)}, expected at least 1`,
      );
    return [{ shape: reducedShape(x!.shape, [axis]), dtype: "int32" }];
  },
  reference([x], [y], { axis }) {
    forEachGroup(x!, [axis], (output, group) => {
      let best = 0;
      for (let i = 1; i < group.length && !Number.isNaN(group[best]); i++) {
        if (!(group[i]! <= group[best]!)) best = i;
      }
      y!.values[output] = best;
    });
  },
});

/**
 * The position of the largest element along an axis: the first of several, the first NaN if there is one.
 *
 * @param options.axis default the last
 * @returns int32, without the axis unless `keepDims`
 * @throws ShapeError if the axis is out of range or empty
 */
export function argmax(x: Tensor, options: { readonly axis?: number; readonly keepDims?: boolean } = {}): Tensor {
  const axis = normalizeAxis("argmax", options.axis ?? -1, x.shape.length);
  const kept = applyOne(argmaxPrimitive, [x], { axis });
  return options.keepDims ? kept : reshape(kept, squeezedShape(x.shape, [axis]));
}
