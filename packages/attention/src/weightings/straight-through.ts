import { add, detach, subtract, type Tensor } from "@heed/tensor";

/** The values of `hard` with the gradient of `soft`. */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  return add(hard, subtract(soft, detach(soft)));
}
