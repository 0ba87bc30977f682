import { argmax, cast, detach, logicalAnd, oneHot, select, type Tensor } from "@heed/tensor";
import { lowest } from "../masked-softmax.ts";

/** 1 at the largest visible score of each row, the first of several; zeros in a row that sees none. Not differentiable. */
export function hardMax(scores: Tensor, mask: Tensor | undefined): Tensor {
  const visible = detach(mask ? select(mask, scores, lowest) : scores);
  const S = scores.shape.at(-1)!;
  const chosen = oneHot(argmax(visible), S, { dtype: "bool" });
  return cast(mask ? logicalAnd(chosen, mask) : chosen, scores.dtype);
}
