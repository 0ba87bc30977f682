import type { Rng, Tensor } from "@heed/tensor";

/** What an attention function shows on request; the tensors are freed with the scope they were made in, unless kept. */
export interface AttentionView {
  /** before the softmax, bias added, mask not yet applied. Shape [B, H, T, S] */
  readonly scores: Tensor;
  /** what the values are weighed with: 0 where masked. Shape [B, H, T, S] */
  readonly probs: Tensor;
}

/** Options of one call. */
export interface AttentionOptions {
  /** bool, true = may attend, broadcast to [B, H, T, S] */
  readonly mask?: Tensor | undefined;
  /** added to scores, broadcast to [B, H, T, S] */
  readonly bias?: Tensor | undefined;
  /** source of dropout; without it there is none */
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
