import { isTracked, keep, scope, type Tensor } from "@heed/tensor";
import type { LayerCache, StoredKeys } from "./layer-cache.ts";
import { checkWhole } from "./masks/check-whole.ts";
import { pick } from "./projections/keep-rows.ts";

/**
 * Keys and values of a context that does not change (an encoder's output), for all layers of a decoder: the first call of a
 * layer projects and stores them, later calls project queries only.
 *
 * Not differentiable. Owns its tensors: they survive scopes until `dispose`.
 *
 * Shapes: keys [B, G, S, D], values [B, G, S, Dv].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.3 (encoder-decoder attention), arXiv:1706.03762.
 * @example
 * const cache = new CrossAttentionCache({ numLayers: 6 });
 */
export class CrossAttentionCache {
  /** one per cross-attention layer */
  readonly layers: readonly LayerCache[];
  private readonly stored: (StoredKeys | undefined)[];

  /** @throws RangeError if numLayers is not a whole number >= 1 */
  constructor({ numLayers }: { readonly numLayers: number }) {
    checkWhole("CrossAttentionCache", "numLayers", numLayers, 1);
    const stored = new Array<StoredKeys | undefined>(numLayers).fill(undefined);
    this.stored = stored;
    this.layers = stored.map((_, layer) => ({
      append: (keys, values) => this.store(layer, keys, values),
      get fixed() {
        return stored[layer];
      },
    }));
  }

  private store(layer: number, keys: Tensor, values: Tensor): StoredKeys {
    for (const [argument, x] of Object.entries({ keys, values }))
      if (isTracked(x))
        throw new TypeError(
          `CrossAttentionCache: ${argument} of layer ${layer} are being differentiated, expected inference. Train without a cache`,
        );
    const length = keys.shape[2]!;
    this.stored[layer] = { keys: keep(keys), values: keep(values), length };
    return this.stored[layer];
  }

  /** Keeps only rows `indices` of the batch, in that order: for beam search. Repeats are allowed. */
  reorder(indices: readonly number[]): void {
    this.stored.forEach((old, layer) => {
      if (!old) return;
      const { keys, values, length } = old;
      const take = (x: Tensor): Tensor => scope(() => keep(pick(x, indices, 0)));
      this.stored[layer] = { keys: take(keys), values: take(values), length };
      keys.dispose();
      values.dispose();
    });
  }

  /** Forgets the context and frees the memory. The cache can be used again. */
  reset(): void {
    for (const stored of this.stored) {
      stored?.keys.dispose();
      stored?.values.dispose();
    }
    this.stored.fill(undefined);
  }

  /** As `reset`. */
  dispose(): void {
    this.reset();
  }
}
