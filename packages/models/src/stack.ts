import { and, full, KeyValueCache, type Mask, padding, type SequenceCache } from "@heed/attention";
import type { InputEmbedding, Linear, Norm } from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import { arange, bindShapes, expectDType, formatShape, type Rng, ShapeError, type Tensor } from "@heed/tensor";
import type { TransformerBlock } from "./block.ts";
import { drop } from "./drop.ts";
import { type ForwardObserver, type Memory, runBlocks } from "./run-blocks.ts";

/** What one call of a stack takes beside its tokens. */
export interface StackOptions {
  /** int32 [T] or [B, T]; default 0, 1, ... or, with a cache, on from its length */
  readonly positions?: Tensor | undefined;
  /** of the sentence each token belongs to, int32 [B, T]; where the embedding has a table of them */
  readonly segments?: Tensor | undefined;
  /** bool [B, S], true = a real token, those in the cache first: the others are hidden, beside what the mask hides */
  readonly padding?: Tensor | undefined;
  /** who sees whom, instead of the model's own mask */
  readonly mask?: Mask | undefined;
  /** keys and values of earlier calls, extended by this one */
  readonly cache?: SequenceCache | undefined;
  /** what cross-attention reads, where the blocks have it */
  readonly memory?: Memory | undefined;
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
  readonly observe?: ForwardObserver | undefined;
}

/** What a {@link Stack} is made of. */
export interface StackParts {
  /** tokens, segments and positions as vectors */
  readonly embedding: InputEmbedding;
  /** of the embeddings; default none */
  readonly embeddingNorm?: Norm | undefined;
  /** from the width of the embeddings to that of the blocks, after norm and dropout; default none */
  readonly embeddingProjection?: Linear | undefined;
  /** share of the embeddings set to 0 where a call brings an rng; default 0 */
  readonly embeddingDropout?: number;
  /** its `bias` hook is added to the scores of all layers, made once; default none */
  readonly bias?: PositionEncoding | undefined;
  readonly blocks: readonly TransformerBlock[];
  /** after the last block; default none */
  readonly norm?: Norm | undefined;
  /** tokens in one sequence at most */
  readonly maxSeqLen: number;
  /** of all layers, or one for each; default full() */
  readonly mask?: Mask | readonly Mask[];
}

/**
 * From tokens to states: embed, blocks, norm. An encoder, or with causal masks and cross-attention a decoder without its head.
 *
 * Shapes: tokens int32 [B, T] -> [B, T, E].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.1, arXiv:1706.03762.
 */
export class Stack {
  readonly embedding: InputEmbedding;
  readonly embeddingNorm: Norm | undefined;
  readonly embeddingProjection: Linear | undefined;
  readonly embeddingDropout: number;
  readonly bias: PositionEncoding | undefined;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: Norm | undefined;
  readonly maxSeqLen: number;
  readonly mask: Mask | readonly Mask[];

  /** @throws RangeError if there are masks for another number of layers */
  constructor(parts: StackParts) {
    this.embedding = parts.embedding;
    this.embeddingNorm = parts.embeddingNorm;
    this.embeddingProjection = parts.embeddingProjection;
    this.embeddingDropout = parts.embeddingDropout ?? 0;
    this.bias = parts.bias;
    this.blocks = parts.blocks;
    this.norm = parts.norm;
    this.maxSeqLen = parts.maxSeqLen;
    this.mask = parts.mask ?? full();
    if (typeof this.mask !== "function" && this.mask.length !== this.blocks.length)
      throw new RangeError(
        `Stack: mask has ${this.mask.length} masks, expected one for each of ${this.blocks.length} blocks`,
      );
  }

  get vocabSize(): number {
    return this.embedding.tokens.numEmbeddings;
  }

  /** Room for the keys and values of one batch, up to `maxSeqLen` tokens. */
  createCache({ maxSeqLen = this.maxSeqLen }: { readonly maxSeqLen?: number } = {}): KeyValueCache {
    return new KeyValueCache({ numLayers: this.blocks.length, maxSeqLen });
  }

  /**
   * Shapes: tokens int32 [B, T] -> [B, T, E].
   *
   * @throws RangeError if a sequence is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(tokens: Tensor, options: StackOptions = {}): Tensor {
    const { cache, rng, observe, memory } = options;
    const { T } = bindShapes("Stack", { tokens: [tokens, "B T"] });
    expectDType("Stack", { tokens }, "int32");
    const positions = this.positionsFor(tokens, T, options);
    const keyPositions = cache?.extend(positions) ?? positions;
    const mask = this.masksFor(positions, keyPositions, options);
    const x = this.embed(tokens, positions, options);
    const bias = this.bias?.bias?.(positions, keyPositions);
    return runBlocks(this, x, { mask, bias, positions, keyPositions, cache, memory, rng, observe });
  }

  private positionsFor(tokens: Tensor, T: number, { positions, cache }: StackOptions): Tensor {
    const start = cache?.length ?? 0;
    if (start + T > this.maxSeqLen) {
      throw new RangeError(
        `Stack: tokens has T=${T}${start ? ` after ${start} in the cache` : ""}, expected at most ${this.maxSeqLen} in all (maxSeqLen). Shorten the text or build a model with a longer context`,
      );
    }
    if (!positions) return arange(start, start + T, { backend: tokens.backend });
    expectDType("Stack", { positions }, "int32");
    const fits =
      positions.shape.at(-1) === T &&
      (positions.shape.length === 1 || (positions.shape.length === 2 && positions.shape[0] === tokens.shape[0]));
    if (!fits)
      throw new ShapeError(
        `Stack: positions has shape ${formatShape(positions.shape)}, expected [T] or [B, T] (from tokens ${formatShape(tokens.shape)})`,
      );
    return positions;
  }

  private embed(tokens: Tensor, positions: Tensor, { segments, rng }: StackOptions): Tensor {
    const embedded = this.embedding.forward(tokens, { positions, ...(segments && { segments }) });
    const normalized = this.embeddingNorm ? this.embeddingNorm.forward(embedded) : embedded;
    const x = drop(normalized, this.embeddingDropout, rng);
    return this.embeddingProjection ? this.embeddingProjection.forward(x) : x;
  }

  /** Layers with one and the same mask share its tensor. */
  private masksFor(positions: Tensor, keyPositions: Tensor, options: StackOptions): Tensor | readonly Tensor[] {
    const made = new Map<Mask, Tensor>();
    const make = (mask: Mask): Tensor => {
      const found = made.get(mask);
      if (found) return found;
      const whole = options.padding ? and(mask, padding(options.padding)) : mask;
      const tensor = whole(positions, keyPositions);
      made.set(mask, tensor);
      return tensor;
    };
    const mask = options.mask ?? this.mask;
    return typeof mask === "function" ? make(mask) : mask.map(make);
  }
}
