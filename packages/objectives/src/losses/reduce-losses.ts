import { mean, sum, type Tensor } from "@heed/tensor";

/** How losses of several places become one number, or stay. */
export type Reduction = "mean" | "sum" | "none";

/** Options of losses that are reduced. */
export interface LossOptions {
  /** default "mean" */
  readonly reduction?: Reduction;
}

/** @throws RangeError if the reduction is unknown */
export function reduceLosses(where: string, losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  if (reduction === "sum") return sum(losses);
  if (reduction === "mean") return mean(losses);
  throw new RangeError(`${where}: reduction is unknown, expected mean, sum or none, got ${String(reduction)}`);
}
