import { type AttentionFn, MultiHeadAttention, SeparateProjection } from "@heed/attention";
import { createLinear, type Initializer, type Norm, type NormPlacement } from "@heed/nn";
import { type AttentionLayer, Block, type PositionWise } from "./block.ts";

/** How the layers of an encoder-decoder are made: each function is called for each layer. */
export interface LayerMakers {
  readonly norm: () => Norm;
  readonly attention: (numHeads: number) => AttentionLayer;
  readonly feedForward: (dFF: number) => PositionWise;
  /** default preNorm */
  readonly placement?: (norm: Norm) => NormPlacement;
  /** share of each branch set to 0 where a call brings an rng; default 0 */
  readonly residualDropout?: number;
}

/** Sizes of one of the two stacks. */
export interface StackSizes {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFF: number;
}

/** Blocks of an encoder, or with `cross` of a decoder that reads one. */
export function makeBlocks(
  { norm, attention, feedForward, placement, residualDropout = 0 }: LayerMakers,
  { numLayers, numHeads, dFF }: StackSizes,
  { cross = false }: { readonly cross?: boolean } = {},
): Block[] {
  return Array.from(
    { length: numLayers },
    () =>
      new Block({
        norm1: norm(),
        attention: attention(numHeads),
        ...(cross && { crossNorm: norm(), crossAttention: attention(numHeads) }),
        norm2: norm(),
        feedForward: feedForward(dFF),
        ...(placement && { placement }),
        residualDropout,
      }),
  );
}

/** Options of {@link separateAttention}. */
export interface SeparateAttentionOptions {
  readonly dModel: number;
  readonly numHeads: number;
  /** default dModel / numHeads */
  readonly dHead?: number;
  readonly attention: AttentionFn;
  /** first values of the query projection */
  readonly query: Initializer;
  /** first values of the key and the value projection */
  readonly keyValue: Initializer;
  /** first values of the output projection */
  readonly output: Initializer;
  /** first values of the four biases; default none */
  readonly bias?: Initializer | undefined;
}

/** A multi-head layer whose queries, keys and values have a weight each. */
export function separateAttention(options: SeparateAttentionOptions): MultiHeadAttention {
  const { dModel, numHeads, dHead = dModel / numHeads, attention, query, keyValue, output, bias } = options;
  const project = (weight: Initializer) => createLinear({ dIn: dModel, dOut: numHeads * dHead, weight, bias });
  const projection = new SeparateProjection({
    query: project(query),
    key: project(keyValue),
    value: project(keyValue),
    numHeads,
  });
  const back = createLinear({ dIn: numHeads * dHead, dOut: dModel, weight: output, bias });
  return new MultiHeadAttention({ projection, output: back, attention });
}
