import { expectDType } from "../apply.ts";
import { less } from "../primitives/less.ts";
import { multiply } from "../primitives/multiply.ts";
import { reshape } from "../primitives/reshape.ts";
import { select } from "../primitives/select.ts";
import { uniform } from "../primitives/uniform.ts";
import type { Rng } from "../rng.ts";
import type { Tensor } from "../tensor.ts";

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** share of elements set to 0, in [0, 1) */
  readonly rate: number;
  /** takes one stream a call; without it nothing is dropped, as in evaluation */
  readonly rng?: Rng | undefined;
}

/**
 * Sets elements to 0 at random and scales the others so that the expected value stays.
 *
 * @throws RangeError if rate is not in [0, 1)
 * @see Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting.
 *   Differs: scales by 1 / (1 - rate) when dropping, so that nothing is left to do in evaluation.
 */
export function dropout(x: Tensor, { rate, rng }: DropoutOptions): Tensor {
  expectDType("dropout", { x }, "float32", "float64");
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`dropout: rate is out of range, expected a probability in [0, 1), got ${rate}`);
  if (!rng || rate === 0) return reshape(x, x.shape);
  const dropped = less(uniform(x.shape, { rng, dtype: x.dtype, backend: x.backend }), rate);
  return select(dropped, 0, multiply(x, 1 / (1 - rate)));
}
