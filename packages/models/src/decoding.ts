import { CrossAttentionCache, KeyValueCache, type LayerCache, type SequenceCache } from "@heed/attention";
import { detach, fromArray, gather, keep, type Tensor } from "@heed/tensor";
import type { ForwardOptions } from "./decoder.ts";
import type { Memory } from "./run-blocks.ts";
import type { Stack } from "./stack.ts";

/** What a {@link Decoding} decodes with; an `EncoderDecoder` is one. */
export interface TargetDecoder {
  readonly decoder: Stack;
  readonly vocabSize: number;
  decode(target: Tensor, options: ForwardOptions): Tensor;
}

/** What a source has become: an encoder's states, and which of them stand for real tokens. */
export interface EncodedSource {
  /** [B, S, E] */
  readonly states: Tensor;
  /** bool [B, S], true = a real token; default: all of them */
  readonly padding?: Tensor | undefined;
}

/** A handle of one's own to a tensor's memory, which outlives scopes. */
const own = (x: Tensor): Tensor => keep(detach(x));

function pick(x: Tensor, indices: readonly number[]): Tensor {
  const rows = fromArray(indices, [indices.length], { dtype: "int32", backend: x.backend });
  const picked = keep(gather(x, rows, { axis: 0 }));
  rows.dispose();
  x.dispose();
  return picked;
}

/**
 * What a decoder has seen, and the source that it reads: keys and values of both attentions of all layers.
 *
 * Not differentiable. Owns its tensors: they survive scopes until `dispose`.
 *
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.3, arXiv:1706.03762.
 */
export class DecodingCache implements SequenceCache {
  private readonly target: KeyValueCache;
  private readonly cross: CrossAttentionCache;
  private source: EncodedSource;

  /** @throws RangeError if a number is not whole and >= 1 */
  constructor(
    { states, padding }: EncodedSource,
    { numLayers, maxSeqLen }: { readonly numLayers: number; readonly maxSeqLen: number },
  ) {
    this.target = new KeyValueCache({ numLayers, maxSeqLen });
    this.cross = new CrossAttentionCache({ numLayers });
    this.source = { states: own(states), padding: padding && own(padding) };
  }

  /** What cross-attention reads. */
  get memory(): Memory {
    return { ...this.source, cache: this.cross };
  }

  /** Tokens of the target that are stored. */
  get length(): number {
    return this.target.length;
  }

  get layers(): readonly LayerCache[] {
    return this.target.layers;
  }

  extend(positions: Tensor): Tensor {
    return this.target.extend(positions);
  }

  /** Keeps only rows `indices` of the batch, of source and target, in that order: for beam search. Repeats are allowed. */
  reorder(indices: readonly number[]): void {
    this.target.reorder(indices);
    this.cross.reorder(indices);
    const { states, padding } = this.source;
    this.source = { states: pick(states, indices), padding: padding && pick(padding, indices) };
  }

  /** Forgets the target; the source stays. */
  reset(): void {
    this.target.reset();
  }

  /** Frees the memory. The cache cannot be used again. */
  dispose(): void {
    this.target.dispose();
    this.cross.dispose();
    this.source.states.dispose();
    this.source.padding?.dispose();
  }
}

/** What one call of a {@link Decoding} takes beside its tokens. Its cache is one of those it creates. */
export type DecodingOptions = Omit<ForwardOptions, "memory">;

/** Also one of another installed copy of this package. */
const isDecodingCache = (cache: SequenceCache): cache is DecodingCache => "memory" in cache;

/**
 * A decoder with the source it translates: to whatever generates text, the same as a decoder-only model.
 *
 * Owns the source's states: they survive scopes until `dispose`.
 *
 * Shapes: tokens int32 [B, T], B as in the source or as the cache was reordered to -> logits [B, T, V].
 * @see Sutskever et al. 2014, Sequence to Sequence Learning with Neural Networks, arXiv:1409.3215.
 */
export class Decoding {
  private readonly model: TargetDecoder;
  private readonly source: EncodedSource;

  constructor(model: TargetDecoder, { states, padding }: EncodedSource) {
    this.model = model;
    this.source = { states: own(states), padding: padding && own(padding) };
  }

  get vocabSize(): number {
    return this.model.vocabSize;
  }

  /** Tokens of the target at most. */
  get maxSeqLen(): number {
    return this.model.decoder.maxSeqLen;
  }

  createCache({ maxSeqLen = this.maxSeqLen }: { readonly maxSeqLen?: number } = {}): DecodingCache {
    return new DecodingCache(this.source, { numLayers: this.model.decoder.blocks.length, maxSeqLen });
  }

  /**
   * Logits of the token after each position; `lastOnly` after the last alone, [B, 1, V].
   *
   * @throws TypeError for a cache of a decoder-only model
   */
  forward(tokens: Tensor, options: DecodingOptions = {}): Tensor {
    const { cache } = options;
    if (cache && !isDecodingCache(cache))
      throw new TypeError(
        "Decoding: cache is not of an encoder-decoder, expected one that createCache of a decoding made, got another",
      );
    return this.model.decode(tokens, { ...options, memory: cache?.memory ?? this.source });
  }

  /** Frees the source's states; caches have their own. */
  dispose(): void {
    this.source.states.dispose();
    this.source.padding?.dispose();
  }
}
