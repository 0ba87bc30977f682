import type { Rng, Tensor } from "@heed/tensor";

/** Options of one weighting. */
export interface WeighOptions {
  /** source of noise; without it there is none */
  readonly rng?: Rng | undefined;
}

/**
 * Turns scores into what the values are weighed with: 0 where the mask hides, zeros in a row that sees no key.
 *
 * Shapes: scores [B, H, T, S], mask bool that broadcasts to it -> [B, H, T, S].
 */
export interface WeighFn {
  (scores: Tensor, mask?: Tensor, options?: WeighOptions): Tensor;
  /** true: it is the plain softmax, which fused kernels compute */
  readonly isSoftmax?: boolean | undefined;
}
