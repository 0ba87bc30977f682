import { type AttentionView, causal, type Mask } from "@heed/attention";
import type { Embedding, Linear } from "@heed/nn";
import { sinusoidal } from "@heed/positions";
import {
  arange,
  bindShapes,
  broadcast,
  cast,
  concatenate,
  equal,
  expandDims,
  expectDType,
  logicalAnd,
  logicalNot,
  maximum,
  minimum,
  multiply,
  notEqual,
  type Rng,
  reshape,
  type Tensor,
} from "@heed/tensor";
import { drop } from "./drop.ts";
import type { XlnetConfig } from "./xlnet.ts";
import type { Places, XlnetBlock } from "./xlnet-attention.ts";

/** Watches a forward pass; the tensors are freed with the scope they were made in. */
export interface XlnetObserver {
  /** index 0: the embeddings; index i: what layer i - 1 gave. Content stream [B, T, E] */
  hiddenState?(index: number, x: Tensor): void;
  /** the same of the query stream, [B, P, E] */
  queryState?(index: number, x: Tensor): void;
  /** scores and probs of the content stream, [B, H, T, T] */
  attention?(layer: number, view: AttentionView): void;
  /** the same of the query stream */
  queryAttention?(layer: number, view: AttentionView): void;
}

/** What one call of {@link Xlnet} takes beside its tokens. */
export interface XlnetOptions {
  /** who sees whom, as the order of prediction has it; contents see themselves too. Default: everyone */
  readonly mask?: Mask | undefined;
  /** floats [B, P, T]: row p is 1 at the place to predict. With it the query stream is what the model gives */
  readonly targetMapping?: Tensor | undefined;
  /** of the sentence each token belongs to, int32 [B, T]; without them segments add nothing */
  readonly segments?: Tensor | undefined;
  /** bool [B, T], true = a real token */
  readonly padding?: Tensor | undefined;
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
  readonly observe?: XlnetObserver | undefined;
}

/** A place sees itself only. int32 [T], [T] -> [T, T]. */
const itself: Mask = (queries, keys) => equal(expandDims(queries, -1), expandDims(keys, -2));

/** Sizes of a call, P places to predict among them; T without a mapping. */
function bindCall(tokens: Tensor, { targetMapping: mapping, segments, padding }: XlnetOptions) {
  const { B, T } = bindShapes("Xlnet", {
    tokens: [tokens, "B T"],
    ...(segments && { segments: [segments, "B T"] as const }),
    ...(padding && { padding: [padding, "B T"] as const }),
  });
  expectDType("Xlnet", { tokens, ...(segments && { segments }) }, "int32");
  if (padding) expectDType("Xlnet", { padding }, "bool");
  const P = mapping ? bindShapes("Xlnet", { tokens: [tokens, "B T"], targetMapping: [mapping, "B P T"] }).P : T;
  return { B, T, P, mapping };
}

/** What an {@link Xlnet} is made of. */
export interface XlnetParts
  extends Pick<XlnetConfig, "causal" | "sameLength" | "maxDistance" | "twoWayBatches" | "maxSeqLen" | "dropout"> {
  readonly tokens: Embedding;
  /** what each query begins with, [1, 1, E] */
  readonly queryEmbedding: Tensor;
  readonly blocks: readonly XlnetBlock[];
  readonly head?: Linear | undefined;
}

/** Whether a model is an {@link Xlnet}, also one of another installed copy of this package. */
export function isXlnet(model: object): model is Xlnet {
  return "queryEmbedding" in model && "encode" in model;
}

/**
 * XLNet: contents attend in any order of prediction, and queries, which know a place but not its content, predict it.
 *
 * Shapes: tokens int32 [B, T] -> logits [B, T, V], or of the mapped places [B, P, V]; without a head states of width E.
 * @see Yang et al. 2019, XLNet, section 2, arXiv:1906.08237. Differs: no memory of an earlier text.
 */
export class Xlnet {
  readonly tokens: Embedding;
  readonly queryEmbedding: Tensor;
  readonly blocks: readonly XlnetBlock[];
  readonly head: Linear | undefined;
  readonly causal: boolean;
  readonly sameLength: boolean;
  readonly maxDistance: number | undefined;
  readonly twoWayBatches: boolean;
  /** tokens in one sequence at most; Infinity if any number will do */
  readonly maxSeqLen: number;
  readonly dropout: number;

  constructor(parts: XlnetParts) {
    this.tokens = parts.tokens;
    this.queryEmbedding = parts.queryEmbedding;
    this.blocks = parts.blocks;
    this.head = parts.head;
    this.causal = parts.causal ?? false;
    this.sameLength = parts.sameLength ?? false;
    this.maxDistance = parts.maxDistance;
    this.twoWayBatches = parts.twoWayBatches ?? false;
    this.maxSeqLen = parts.maxSeqLen ?? Infinity;
    this.dropout = parts.dropout ?? 0;
  }

  get vocabSize(): number {
    return this.tokens.numEmbeddings;
  }

  /**
   * Shapes: tokens int32 [B, T] -> [B, T, V], or [B, P, V] with a mapping; without a head [..., E].
   *
   * @throws ShapeError if an option does not fit the tokens; RangeError if a token is outside the vocabulary or a sequence
   *   longer than maxSeqLen
   */
  forward(tokens: Tensor, options: XlnetOptions = {}): Tensor {
    const states = this.encode(tokens, options);
    return this.head ? this.head.forward(states) : states;
  }

  /** The states alone. Shapes: tokens int32 [B, T] -> [B, T, E], or [B, P, E] with a mapping. */
  encode(tokens: Tensor, options: XlnetOptions = {}): Tensor {
    const { B, T, P, mapping } = bindCall(tokens, options);
    if (T > this.maxSeqLen)
      throw new RangeError(
        `Xlnet: tokens has T=${T}, expected at most ${this.maxSeqLen} (maxSeqLen), got ${T}. Shorten the text`,
      );
    const { rng, observe } = options;
    let contents = drop(this.tokens.forward(tokens), this.dropout, rng);
    const E = this.tokens.dModel;
    let queries = mapping && drop(broadcast(this.queryEmbedding, [B, P, E]), this.dropout, rng);
    const places = { ...this.placesOf(contents, options), rng };
    const distances = drop(places.distances, this.dropout, rng);
    const hidden = this.hidden(contents, options);
    // A content sees itself whatever else is hidden, even at padding.
    const positions = arange(0, T, { backend: tokens.backend });
    const others = hidden && multiply(hidden, cast(logicalNot(itself(positions, positions)), contents.dtype));
    this.blocks.forEach((block, layer) => {
      observe?.hiddenState?.(layer, contents);
      if (queries) observe?.queryState?.(layer, queries);
      const view = (watch?: XlnetObserver["attention"]) => watch && ((found: AttentionView) => watch(layer, found));
      const seen = { ...places, distances };
      const [read, asked] = [contents, queries];
      contents = block.forward(read, read, { ...seen, hidden: others, observe: view(observe?.attention) });
      if (asked)
        queries = block.forward(asked, read, { ...seen, hidden, mapping, observe: view(observe?.queryAttention) });
    });
    observe?.hiddenState?.(this.blocks.length, contents);
    if (queries) observe?.queryState?.(this.blocks.length, queries);
    return drop(queries ?? contents, this.dropout, rng);
  }

  /** Distances and segments of all places. */
  private placesOf({ shape, backend, dtype }: Tensor, { segments }: XlnetOptions): Places {
    const [B, T, dModel] = shape as [number, number, number];
    const distances = multiply(arange(-T, T, { backend }), -1);
    const near =
      this.maxDistance === undefined ? distances : minimum(maximum(distances, -this.maxDistance), this.maxDistance);
    const vectors = (x: Tensor): Tensor =>
      reshape(sinusoidal({ layout: "concatenated" }).vectors(x, { dModel, dtype }), [1, 2 * T, dModel]);
    const differs = segments && cast(notEqual(reshape(segments, [B, 1, T, 1]), reshape(segments, [B, 1, 1, T])), dtype);
    if (!this.twoWayBatches) return { distances: vectors(near), differs };
    if (B % 2 !== 0)
      throw new RangeError(
        `Xlnet: tokens has B=${B}, expected an even number because of twoWayBatches, got ${B}. The second half of a batch is read backwards`,
      );
    const half = [near, multiply(near, -1)].map((x) => broadcast(vectors(x), [B / 2, 2 * T, dModel]));
    return { distances: concatenate(half, { axis: 0 }), differs };
  }

  /** 1 where a query sees no key, stretched to [B, H, T, T]. */
  private hidden({ shape, backend, dtype }: Tensor, { mask, padding }: XlnetOptions): Tensor | undefined {
    const [B, T] = shape as [number, number, number];
    const positions = arange(0, T, { backend });
    const masks = [mask, this.causal ? (this.sameLength ? itself : causal()) : undefined];
    const seen = masks.flatMap((who) => (who ? [who(positions, positions)] : []));
    if (padding) seen.push(reshape(padding, [B, 1, 1, T]));
    if (seen.length === 0) return undefined;
    return cast(logicalNot(seen.reduce((all, next) => logicalAnd(all, next))), dtype);
  }
}
