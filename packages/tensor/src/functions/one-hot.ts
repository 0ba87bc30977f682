import { expectDType } from "../apply.ts";
import { cast } from "../primitives/cast.ts";
import { equal } from "../primitives/equal.ts";
import { arange, type Tensor } from "../tensor.ts";
import type { DType } from "../types.ts";
import { expandDims } from "./shapes.ts";

/** Bool [..., depth]: true where the last axis' position is the index. @internal */
export function matches(indices: Tensor, depth: number): Tensor {
  return equal(expandDims(indices, -1), arange(0, depth, { backend: indices.backend }));
}

/**
 * 1 at the position that each index names, 0 elsewhere; a row of zeros for an index out of range.
 *
 * Shapes: indices int32 [...] -> [..., depth].
 * @param options.dtype of the result; default float32
 * @throws RangeError if depth is not a whole number >= 0
 */
export function oneHot(indices: Tensor, depth: number, { dtype = "float32" }: { readonly dtype?: DType } = {}): Tensor {
  expectDType("oneHot", { indices }, "int32");
  if (!Number.isInteger(depth) || depth < 0)
    throw new RangeError(`oneHot: depth is out of range, expected a whole number >= 0, got ${depth}`);
  return cast(matches(indices, depth), dtype);
}
