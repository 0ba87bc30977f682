import { applyOne, expectDType } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { normalizeAxis, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { split } from "./split.ts";

export const concatenatePrimitive = definePrimitive<{ axis: number }>({
  name: "concatenate",
  infer(inputs, { axis }) {
    const [{ shape, dtype }] = inputs as [Tensor, ...Tensor[]];
    inputs.forEach((x, i) => {
      expectDType("concatenate", { [`tensors[${i}]`]: x }, dtype);
      if (x.shape.length !== shape.length || x.shape.some((size, other) => other !== axis && size !== shape[other])) {
        throw new ShapeError(
          `concatenate: tensors[${i}] has shape ${formatShape(x.shape)}, expected ${formatShape(shape)} (from tensors[0]) except at axis ${axis}`,
        );
      }
    });
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [{ shape: shape.map((size, other) => (other === axis ? total : size)), dtype }];
  },
  reference(inputs, [y], { axis }) {
    const rows = sizeOf(y!.shape.slice(0, axis));
    const width = sizeOf(y!.shape.slice(axis));
    let first = 0;
    for (const x of inputs) {
      const own = sizeOf(x.shape.slice(axis));
      for (let row = 0; row < rows; row++)
        y!.values.set(x.values.subarray(row * own, (row + 1) * own), row * width + first);
      first += own;
    }
  },
  gradient({ inputs, outputGradients: [g], attributes: { axis } }) {
    return split(
      g!,
      inputs.map((x) => x.shape[axis]!),
      { axis },
    );
  },
});

/**
 * Puts tensors one after the other along an axis. DTypes: any, all equal.
 *
 * @param options.axis default 0
 * @throws ShapeError if shapes differ elsewhere; RangeError without tensors
 */
export function concatenate(tensors: readonly Tensor[], { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  if (tensors.length === 0) throw new RangeError("concatenate: tensors is empty, expected at least one tensor");
  return applyOne(concatenatePrimitive, tensors, {
    axis: normalizeAxis("concatenate", axis, tensors[0]!.shape.length),
  });
}
