import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { extremum } from "./max.ts";
import { type ReduceOptions, reduceAttributes, squeezedShape } from "./reduce.ts";
import { reshape } from "./reshape.ts";

export const minPrimitive = extremum("min", Math.min, Infinity);

/**
 * The smallest element over axes; NaN where there is one. An empty axis gives Infinity (the largest integer for int32).
 *
 * Elements that tie share the gradient equally.
 * @throws ShapeError if an axis is out of range or named twice
 */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  const attributes = reduceAttributes("min", x.shape, options);
  const kept = applyOne(minPrimitive, [x], attributes);
  return options.keepDims ? kept : reshape(kept, squeezedShape(x.shape, attributes.axes));
}
