import { dropout, type Rng, type Tensor } from "@heed/tensor";

/** Dropout where a call brings an rng and a rate above 0; otherwise x itself, without a view of it. */
export const drop = (x: Tensor, rate: number, rng: Rng | undefined): Tensor =>
  rng && rate > 0 ? dropout(x, { rate, rng }) : x;
