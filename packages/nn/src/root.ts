import { greater, select, sqrt, type Tensor } from "@heed/tensor";

/** The square root of what is >= 0, with gradient 0 at 0 instead of infinity: one row of zeros must not spoil all weights. */
export function root(x: Tensor): Tensor {
  const isPositive = greater(x, 0);
  return select(isPositive, sqrt(select(isPositive, x, 1)), 0);
}
