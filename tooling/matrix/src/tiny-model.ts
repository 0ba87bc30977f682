import { type AttentionFn, createMultiHeadAttention, type Mask } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  createLinear,
  type Initializer,
  normalInit,
} from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import { add, arange, broadcast, concatenate, type Rng, relu, type Tensor } from "@heed/tensor";

/** Sizes of every model of the matrix: small enough to train thousands of them in a test. */
export const sizes = { vocabSize: 16, dModel: 16, dHead: 4, numHeads: 4, maxSeqLen: 16, dPatch: 6 } as const;

/** How a position encoding enters, if at the embedding. */
export interface PositionChoice {
  readonly encoding: PositionEncoding;
  /** position vectors beside token vectors, each half as wide, instead of added to them */
  readonly concatenated: boolean;
}

/** What a pass through the block takes beside its input. */
export interface EncodeOptions {
  /** int32 [T] or [B, T]; default 0, 1, ... */
  readonly positions?: Tensor;
  /** what is attended to instead of the input itself: embeddings at the same positions, as wide as a token's */
  readonly content?: Tensor;
}

/** One block of a transformer with its embedding: everything but the head, which belongs to the objective. */
export interface TinyModel {
  /** Shapes: tokens and segments int32 [B, T] -> [B, T, width of a token]. */
  readonly embed: (tokens: Tensor, segments?: Tensor) => Tensor;
  /** Shapes: patches [B, T, dPatch] -> [B, T, width of a token]. */
  readonly embedPatches: (patches: Tensor) => Tensor;
  /** Shapes: x [B, T, width of a token] -> [B, T, E]. */
  readonly encode: (x: Tensor, mask: Mask, rng: Rng, options?: EncodeOptions) => Tensor;
  /** everything that holds weights, for `parameters` */
  readonly parts: object;
}

/** A model with the attention and the position encoding that are given. */
export function tinyModel(
  makeAttention: (init: Initializer) => AttentionFn,
  makePosition: (init: Initializer) => PositionChoice,
  rng: Rng,
): TinyModel {
  const weight = normalInit({ std: 0.3, rng });
  const { vocabSize, dModel, numHeads } = sizes;
  const { encoding, concatenated } = makePosition(weight);
  const dToken = concatenated ? dModel / 2 : dModel;
  const tokenEmbedding = createEmbedding({ numEmbeddings: vocabSize, dModel: dToken, weight });
  const segmentEmbedding = createEmbedding({ numEmbeddings: 2, dModel: dToken, weight });
  const patchEmbedding = createLinear({ dIn: sizes.dPatch, dOut: dToken, weight });
  const attention = createMultiHeadAttention({
    ...{ dModel, numHeads, weight },
    attention: makeAttention(weight),
    position: encoding,
  });
  const norm1 = createLayerNorm({ dModel });
  const norm2 = createLayerNorm({ dModel });
  const feedForward = createFeedForward({ dModel, dFF: dModel, activation: relu, weight });
  return {
    embed(tokens, segments) {
      const found = tokenEmbedding.forward(tokens);
      return segments ? add(found, segmentEmbedding.forward(segments)) : found;
    },
    embedPatches: (patches) => patchEmbedding.forward(patches),
    encode(x, mask, noise, { positions = arange(0, x.shape[1]!, { backend: x.backend }), content } = {}) {
      const placed = place(x, positions, { encoding, concatenated });
      const context = content && norm1.forward(place(content, positions, { encoding, concatenated }));
      const attended = attention.forward(norm1.forward(placed), {
        ...{ context, positions, keyPositions: positions, mask: mask(positions, positions), rng: noise },
      });
      const y = add(placed, attended);
      return add(y, feedForward.forward(norm2.forward(y)));
    },
    parts: { tokenEmbedding, segmentEmbedding, patchEmbedding, attention, norm1, norm2, feedForward, encoding },
  };
}

/** Tokens with their positions: beside them, added by the encoding's own hook, or as they are. */
function place(x: Tensor, positions: Tensor, { encoding, concatenated }: PositionChoice): Tensor {
  const [B, T, dToken] = x.shape as [number, number, number];
  if (concatenated) {
    const vectors = encoding.vectors!(positions, { dModel: sizes.dModel - dToken });
    return concatenate([x, broadcast(vectors, [B, T, sizes.dModel - dToken])], { axis: -1 });
  }
  return encoding.embed?.(x, positions) ?? x;
}
