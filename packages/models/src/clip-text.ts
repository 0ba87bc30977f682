import { causal } from "@heed/attention";
import { createEmbedding, createLayerNorm, type Initializer, InputEmbedding, type Norm } from "@heed/nn";
import { learned } from "@heed/positions";
import { argmax, cast, equal, expandDims, matmul, oneHot, squeeze, type Tensor } from "@heed/tensor";
import { byOrder } from "./by-order.ts";
import { Stack, type StackOptions } from "./stack.ts";
import { type BlockWeights, type VisionLayers, visionBlocks } from "./vit.ts";

/** What the text tower of CLIP is. */
export interface ClipTextConfig extends Omit<VisionLayers, "qkvBias" | "dropout"> {
  readonly vocabSize: number;
  /** tokens in one text at most */
  readonly maxSeqLen: number;
  /** a text is read at its first token of this id; or at its highest, as where the vocabulary ends with that token */
  readonly endToken: number | "highest";
}

/** What the text tower gives. */
export interface TextStates {
  /** [B, T, E] */
  readonly states: Tensor;
  /** the state of the end token, [B, E] */
  readonly pooled: Tensor;
}

/**
 * The text tower of CLIP: a causal transformer, read at the end token.
 *
 * Shapes: tokens int32 [B, T] -> states [B, T, E], pooled [B, E]. A text without end token is read at its first token, as the
 * original does.
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, section 2.4, arXiv:2103.00020.
 */
export class ClipText {
  readonly stack: Stack;
  readonly norm: Norm;
  readonly endToken: number | "highest";

  constructor({
    stack,
    norm,
    endToken,
  }: {
    readonly stack: Stack;
    readonly norm: Norm;
    readonly endToken: number | "highest";
  }) {
    this.stack = stack;
    this.norm = norm;
    this.endToken = endToken;
  }

  /** @throws RangeError if a text is longer than maxSeqLen or a token is outside the vocabulary */
  forward(tokens: Tensor, options: StackOptions = {}): TextStates {
    const states = this.norm.forward(this.stack.forward(tokens, options));
    const scores = this.endToken === "highest" ? tokens : cast(equal(tokens, this.endToken), "int32");
    const places = argmax(scores, { axis: 1 });
    const rows = oneHot(places, tokens.shape[1]!, { dtype: states.dtype as "float32" });
    return { states, pooled: squeeze(matmul(expandDims(rows, 1), states), 1) };
  }
}

/** A text tower with new weights. */
export function createClipText(
  config: ClipTextConfig,
  { blocks, embedding }: { readonly blocks: BlockWeights; readonly embedding: Initializer },
): ClipText {
  const { vocabSize, maxSeqLen, dModel, endToken } = config;
  const stack = new Stack({
    embedding: new InputEmbedding({
      tokens: createEmbedding({ numEmbeddings: vocabSize, dModel, weight: embedding }),
      position: learned({ maxSeqLen, dModel, table: embedding }),
    }),
    blocks: visionBlocks(config, blocks),
    maxSeqLen,
    mask: byOrder(causal()),
  });
  return new ClipText({ stack, norm: createLayerNorm({ dModel, epsilon: config.layerNormEpsilon ?? 1e-5 }), endToken });
}
