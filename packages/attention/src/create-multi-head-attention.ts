import { createLinear, type Initializer } from "@heed/nn";
import { MultiHeadAttention, type MultiHeadParts } from "./multi-head-attention.ts";
import { FusedProjection } from "./projections/fused.ts";

/** Options of {@link createMultiHeadAttention}. */
export interface MultiHeadAttentionOptions extends Omit<MultiHeadParts, "projection" | "output"> {
  readonly dModel: number;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number;
  /** default dModel / numHeads */
  readonly dHead?: number;
  readonly weight: Initializer;
  /** first values of the output projection; default as `weight` */
  readonly outputWeight?: Initializer;
  /** first values of the biases; without it the projections have none */
  readonly bias?: Initializer | undefined;
}

/**
 * A multi-head layer with one fused projection and new weights.
 *
 * Shapes: x [B, T, dModel] -> the same.
 * @throws RangeError if dModel is not a multiple of numHeads and no dHead is given
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, arXiv:1706.03762.
 * @example
 * const layer = createMultiHeadAttention({
 *   dModel: 8, numHeads: 4, numKvHeads: 2, attention: softmaxAttention(), weight: normalInit({ std: 0.02, rng: rng(0) }),
 * });
 */
export function createMultiHeadAttention(options: MultiHeadAttentionOptions): MultiHeadAttention {
  const { dModel, numHeads, numKvHeads = numHeads, weight, outputWeight = weight, bias, ...parts } = options;
  const dHead = options.dHead ?? dModel / numHeads;
  if (!Number.isInteger(dHead) || dHead < 1) {
    throw new RangeError(
      `createMultiHeadAttention: numHeads does not divide the width, expected a divisor of dModel=${dModel}, got ${numHeads}. Give dHead to choose another head width`,
    );
  }
  const qkv = createLinear({ dIn: dModel, dOut: (numHeads + 2 * numKvHeads) * dHead, weight, bias });
  return new MultiHeadAttention({
    ...parts,
    projection: new FusedProjection({ qkv, numHeads, numKvHeads }),
    output: createLinear({ dIn: numHeads * dHead, dOut: dModel, weight: outputWeight, bias }),
  });
}
