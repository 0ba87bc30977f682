import type { Rng, Tensor } from "@heed/tensor";

/** What an attention function shows on request; the tensors are freed with the scope they were made in, unless kept. */
export interface AttentionView {
  /** before the weighting, bias added, mask not yet applied. Shape [B, H, T, S] */
  readonly scores: Tensor;
  /** what the values are weighed with, before dropout: 0 where masked. Shape [B, H, T, S] */
  readonly probs: Tensor;
}

/** Options of one call. */
export interface AttentionOptions {
  /** bool, true = may attend, broadcast to [B, H, T, S] */
  readonly mask?: Tensor | undefined;
  /** added to scores, broadcast to [B, H, T, S] */
  readonly bias?: Tensor | undefined;
  /** of the queries, int32 [T] or [B, T]; only functions that look at positions themselves need them, where T and S differ */
  readonly positions?: Tensor | undefined;
  /** of the keys, int32 [S] or [B, S]; fewer where places behind them hold no key yet, which the mask then hides */
  readonly keyPositions?: Tensor | undefined;
  /** source of dropout and of noise; without it there is none */
  readonly rng?: Rng | undefined;
  /** receives scores and probs; calling for them may cost a slower path */
  readonly observe?: ((view: AttentionView) => void) | undefined;
}

/**
 * The slot of a multi-head layer: mixes values by how well keys answer queries.
 *
 * Shapes: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] -> [B, H, T, Dv]; H is a multiple of G. A function with weights
 * of its own carries them as properties, where `stateDict` finds them.
 */
export type AttentionFn = (q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions) => Tensor;
