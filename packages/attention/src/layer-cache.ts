import type { Tensor } from "@heed/tensor";

/** Where one attention layer keeps its keys and values. */
export interface LayerCache {
  /** Takes the keys and values of new tokens, [B, G, T, D], and returns those of all, the ones before first. */
  append(keys: Tensor, values: Tensor): StoredKeys;
  /** everything, where it is stored and will not change: then the layer projects queries only */
  readonly fixed?: StoredKeys | undefined;
}

/** All keys and values of a layer, with room for more behind: places from `length` on hold zeros and must be hidden. */
export interface StoredKeys {
  /** [B, G, S, D], S >= length */
  readonly keys: Tensor;
  /** [B, G, S, Dv] */
  readonly values: Tensor;
  /** filled places */
  readonly length: number;
}

/** Keys and values of the tokens that a decoder has seen, for all of its layers. */
export interface SequenceCache {
  /** tokens seen */
  readonly length: number;
  /** one per attention layer */
  readonly layers: readonly LayerCache[];
  /** Makes room for tokens at `positions`, int32 [T] or [B, T]; returns the positions of all keys that `append` will return. */
  extend(positions: Tensor): Tensor;
  /** Keeps only rows `indices` of the batch, in that order. */
  reorder(indices: readonly number[]): void;
  reset(): void;
  dispose(): void;
}
