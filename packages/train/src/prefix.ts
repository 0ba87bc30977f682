import type { SequenceCache } from "@heed/attention";
import { dispose, fromArray, scope } from "@heed/tensor";
import type { CausalModel } from "./causal-model.ts";

/** Tokens that a model has read, for prompts that begin with them. */
export interface Prefix {
  readonly tokens: readonly number[];
  /** A cache of its own for `numRows` rows that all begin with the tokens. */
  createCache(numRows: number): SequenceCache;
  /** Frees the memory; caches that were created stay. */
  dispose(): void;
}

/** A model whose caches can be copied: the decoders of `@heed/models`. */
export interface PrefixModel extends CausalModel {
  createCache(): SequenceCache & { copy(indices: readonly number[]): SequenceCache };
}

/**
 * Reads the beginning that several prompts share, once: `generate` and `beamSearch` then take it as `prefix`.
 *
 * Shapes: tokens [P], P in 1..maxSeqLen - 1. Owns its keys and values until `dispose`.
 * @throws RangeError if there are no tokens, as many as the context holds, or one outside the vocabulary
 * @see Gim et al. 2023, Prompt Cache: Modular Attention Reuse for Low-Latency Inference, arXiv:2311.04934.
 * @example
 * const prefix = readPrefix({ model, tokens: prompt });
 * const texts = generate({ model, prefix, prompts: [Int32Array.of(...prompt, 1), Int32Array.of(...prompt, 2, 3)], maxNewTokens: 5 });
 */
export function readPrefix({ model, tokens }: { readonly model: PrefixModel; readonly tokens: Int32Array }): Prefix {
  const P = tokens.length;
  if (P === 0 || P >= model.maxSeqLen)
    throw new RangeError(
      `readPrefix: tokens has ${P} tokens, expected 1..${model.maxSeqLen - 1} (the model's context less one)`,
    );
  const outside = tokens.find((token) => token < 0 || token >= model.vocabSize);
  if (outside !== undefined)
    throw new RangeError(`readPrefix: tokens has token ${outside}, expected ids in 0..${model.vocabSize - 1}`);
  const cache = model.createCache();
  scope(() => {
    const positions = fromArray(Int32Array.from(tokens.keys()), [1, P]);
    dispose(model.forward(fromArray(tokens, [1, P]), { cache, lastOnly: true, positions }));
  });
  return {
    tokens: [...tokens],
    createCache: (numRows) => cache.copy(new Array<number>(numRows).fill(0)),
    dispose: () => cache.dispose(),
  };
}
