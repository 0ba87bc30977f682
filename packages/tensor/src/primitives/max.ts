import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive, type Primitive } from "../operation.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";
import { divide } from "./divide.ts";
import { equal } from "./equal.ts";
import { multiply } from "./multiply.ts";
import {
  forEachGroup,
  type ReduceAttributes,
  type ReduceOptions,
  reduceAttributes,
  reducedShape,
  squeezedShape,
} from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { sumPrimitive } from "./sum.ts";

/** A reduction to one of the elements; those that equal it share the gradient. */
export function extremum(
  name: string,
  better: (a: number, b: number) => number,
  empty: number,
): Primitive<ReduceAttributes> {
  return definePrimitive<ReduceAttributes>({
    name,
    infer([x], { axes }) {
      expectDType(name, { x: x! }, "float32", "float64", "int32");
      return [{ shape: reducedShape(x!.shape, axes), dtype: x!.dtype }];
    },
    reference([x], [y], { axes }) {
      const start = x!.dtype === "int32" ? Math.sign(empty) * 2 ** 31 - Number(empty > 0) : empty;
      forEachGroup(x!, axes, (output, group) => {
        let found = start;
        for (const value of group) found = better(found, value);
        y!.values[output] = found;
      });
    },
    gradient({ inputs: [x], outputs: [y], outputGradients: [g], attributes }) {
      const taken = cast(equal(x!, y!), x!.dtype);
      return [multiply(taken, divide(g!, applyOne(sumPrimitive, [taken], attributes)))];
    },
  });
}

export const maxPrimitive = extremum("max", Math.max, -Infinity);

/**
 * The largest element over axes; NaN where there is one. An empty axis gives -Infinity (the smallest integer for int32).
 *
 * Elements that tie share the gradient equally.
 * @throws ShapeError if an axis is out of range or named twice
 */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  const attributes = reduceAttributes("max", x.shape, options);
  const kept = applyOne(maxPrimitive, [x], attributes);
  return options.keepDims ? kept : reshape(kept, squeezedShape(x.shape, attributes.axes));
}
