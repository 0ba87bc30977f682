import {
  type AttentionView,
  causal,
  KeyValueCache,
  type Mask,
  type MultiHeadOptions,
  type SequenceCache,
} from "@heed/attention";
import type { Embedding, Linear, Norm } from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import {
  arange,
  bindShapes,
  dropout,
  expectDType,
  formatShape,
  linear,
  type Rng,
  ShapeError,
  slice,
  type Tensor,
} from "@heed/tensor";

/** Watches a forward pass. Tensors are freed with the scope they were made in: call `keep` on what should stay. */
export interface ForwardObserver {
  /** index 0: the embeddings; index i: what block i - 1 gave; the last of them after the final norm. Shape [B, T, E] */
  hiddenState?(index: number, x: Tensor): void;
  /** scores and probs of a layer, [B, H, T, S]; asking for them runs attention unfused */
  attention?(layer: number, view: AttentionView): void;
}

/** What one call of a decoder takes beside its tokens. */
export interface ForwardOptions {
  /** int32 [T] or [B, T]; default 0, 1, ... or, with a cache, on from its length */
  readonly positions?: Tensor | undefined;
  /** who sees whom, instead of the model's own mask */
  readonly mask?: Mask | undefined;
  /** keys and values of earlier calls, extended by this one */
  readonly cache?: SequenceCache | undefined;
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
  /** logits of the last position only, [B, 1, V]; default false */
  readonly lastOnly?: boolean;
  readonly observe?: ForwardObserver | undefined;
}

/** What fills a layer of a decoder. */
export interface DecoderBlock {
  forward(x: Tensor, options?: MultiHeadOptions): Tensor;
}

/** What a {@link Decoder} is made of. */
export interface DecoderParts {
  readonly tokenEmbedding: Embedding;
  /** its `embed` hook applies here; `rotate` and `bias` belong to attention layers */
  readonly position?: PositionEncoding | undefined;
  readonly blocks: readonly DecoderBlock[];
  readonly norm: Norm;
  /** default: the token embedding, transposed (tied) */
  readonly head?: Linear | undefined;
  /** tokens in one sequence at most, prompt included */
  readonly maxSeqLen: number;
  /** default causal() */
  readonly mask?: Mask;
  /** share of the embeddings set to 0 where a call brings an rng; default 0 */
  readonly embeddingDropout?: number;
}

/**
 * A decoder-only language model: embed, blocks, norm, head.
 *
 * Shapes: tokens int32 [B, T] -> logits [B, T, V].
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3.
 */
export class Decoder {
  readonly tokenEmbedding: Embedding;
  readonly position: PositionEncoding | undefined;
  readonly blocks: readonly DecoderBlock[];
  readonly norm: Norm;
  readonly head: Linear | undefined;
  readonly maxSeqLen: number;
  readonly mask: Mask;
  readonly embeddingDropout: number;

  constructor({
    tokenEmbedding,
    position,
    blocks,
    norm,
    head,
    maxSeqLen,
    mask = causal(),
    embeddingDropout = 0,
  }: DecoderParts) {
    this.tokenEmbedding = tokenEmbedding;
    this.position = position;
    this.blocks = blocks;
    this.norm = norm;
    this.head = head;
    this.maxSeqLen = maxSeqLen;
    this.mask = mask;
    this.embeddingDropout = embeddingDropout;
  }

  get vocabSize(): number {
    return this.tokenEmbedding.numEmbeddings;
  }

  /** Room for the keys and values of one batch, up to `maxSeqLen` tokens. */
  createCache({ maxSeqLen = this.maxSeqLen }: { readonly maxSeqLen?: number } = {}): KeyValueCache {
    return new KeyValueCache({ numLayers: this.blocks.length, maxSeqLen });
  }

  /**
   * Logits of the token after each position.
   *
   * Shapes: tokens int32 [B, T] -> [B, T, V], or [B, 1, V] with `lastOnly`.
   * @throws RangeError if a sequence is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(tokens: Tensor, options: ForwardOptions = {}): Tensor {
    const x = this.encode(tokens, options);
    const [B, T, E] = x.shape as [number, number, number];
    const last = options.lastOnly && T > 1 ? slice(x, [0, T - 1, 0], [B, 1, E]) : x;
    return this.head ? this.head.forward(last) : linear(last, this.tokenEmbedding.weight);
  }

  /** The final states before the head. Shapes: tokens int32 [B, T] -> [B, T, E]. */
  encode(tokens: Tensor, options: ForwardOptions = {}): Tensor {
    const { cache, rng, observe } = options;
    const { T } = bindShapes("Decoder", { tokens: [tokens, "B T"] });
    expectDType("Decoder", { tokens }, "int32");
    const positions = this.positionsFor(tokens, T, options);
    const keyPositions = cache?.extend(positions) ?? positions;
    const mask = (options.mask ?? this.mask)(positions, keyPositions);
    let x = this.embed(tokens, positions, rng);
    observe?.hiddenState?.(0, x);
    this.blocks.forEach((block, layer) => {
      x = block.forward(x, {
        mask,
        positions,
        keyPositions,
        cache: cache?.layers[layer],
        rng,
        observe: observe?.attention && ((seen) => observe.attention!(layer, seen)),
      });
      if (layer < this.blocks.length - 1) observe?.hiddenState?.(layer + 1, x);
    });
    const y = this.norm.forward(x);
    observe?.hiddenState?.(this.blocks.length, y);
    return y;
  }

  private positionsFor(tokens: Tensor, T: number, { positions, cache }: ForwardOptions): Tensor {
    const start = cache?.length ?? 0;
    if (start + T > this.maxSeqLen) {
      throw new RangeError(
        `Decoder: tokens has T=${T}${start ? ` after ${start} in the cache` : ""}, expected at most ${this.maxSeqLen} in all (maxSeqLen). Shorten the text or build a model with a longer context`,
      );
    }
    if (!positions) return arange(start, start + T, { backend: tokens.backend });
    expectDType("Decoder", { positions }, "int32");
    const fits =
      positions.shape.at(-1) === T &&
      (positions.shape.length === 1 || (positions.shape.length === 2 && positions.shape[0] === tokens.shape[0]));
    if (!fits)
      throw new ShapeError(
        `Decoder: positions has shape ${formatShape(positions.shape)}, expected [T] or [B, T] (from tokens ${formatShape(tokens.shape)})`,
      );
    return positions;
  }

  private embed(tokens: Tensor, positions: Tensor, rng: Rng | undefined): Tensor {
    const embedded = this.tokenEmbedding.forward(tokens);
    const x = this.position?.embed ? this.position.embed(embedded, positions) : embedded;
    return rng && this.embeddingDropout > 0 ? dropout(x, { rate: this.embeddingDropout, rng }) : x;
  }
}
