import { applyOne } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { stridesOf } from "../shape.ts";
import { forEachIndex } from "../strides.ts";
import type { Tensor } from "../tensor.ts";
import { slice } from "./slice.ts";

export interface PadAttributes {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}

export const padPrimitive = definePrimitive<PadAttributes>({
  name: "pad",
  infer: ([x], { before, after }) => [
    { shape: x!.shape.map((size, axis) => before[axis]! + size + after[axis]!), dtype: x!.dtype },
  ],
  reference([x], [y], { before, value }) {
    const strides = stridesOf(y!.shape);
    const first = before.reduce((offset, count, axis) => offset + count * strides[axis]!, 0);
    y!.values.fill(value);
    forEachIndex(x!.shape, [strides], (i, [offset]) => {
      y!.values[first + offset!] = x!.values[i]!;
    });
  },
  gradient: ({ inputs, outputGradients, attributes }) => [
    slice(outputGradients[0]!, attributes.before, inputs[0]!.shape),
  ],
});

/**
 * Adds positions that hold one value before and after each axis. DTypes: any.
 *
 * @param before positions added at the front of each axis, >= 0
 * @param after positions added at the end of each axis, >= 0
 * @param options.value default 0
 * @throws ShapeError if a list is not one whole number >= 0 for each axis
 */
export function pad(
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  { value = 0 }: { readonly value?: number } = {},
): Tensor {
  for (const [argument, counts] of [
    ["before", before],
    ["after", after],
  ] as const) {
    if (counts.length !== x.shape.length || !counts.every((count) => Number.isInteger(count) && count >= 0)) {
      throw new ShapeError(
        `pad: ${argument} does not fit, expected ${x.shape.length} whole numbers >= 0 (from x ${formatShape(x.shape)}), got ${formatShape(counts)}`,
      );
    }
  }
  return applyOne(padPrimitive, [x], { before: [...before], after: [...after], value });
}
