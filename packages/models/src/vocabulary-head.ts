import { add, bindShapes, detach, linear, multiply, type Tensor } from "@heed/tensor";

/** What a {@link VocabularyHead} does beside its weight. */
export interface VocabularyHeadOptions {
  /** multiplies what it reads; default 1 */
  readonly scale?: number;
  /** added to logits and never trained, [V]; default none */
  readonly fixedBias?: Tensor | undefined;
}

/**
 * From states to logits, its weight often the token embedding: logits = (scale x) weight^T + fixedBias.
 *
 * Shapes: weight [V, E]; x [B, T, E] -> [B, T, V].
 * @see Press and Wolf 2016, Using the Output Embedding to Improve Language Models, arXiv:1608.05859; Raffel et al. 2019, T5
 *   (scale E^-0.5), and Hugging Face's BART and Marian (fixed bias, `final_logits_bias`).
 */
export class VocabularyHead {
  readonly weight: Tensor;
  readonly scale: number;
  readonly fixedBias: Tensor | undefined;

  /** @throws ShapeError if weight is not a matrix or fixedBias does not fit it */
  constructor(weight: Tensor, { scale = 1, fixedBias }: VocabularyHeadOptions = {}) {
    if (fixedBias) bindShapes("VocabularyHead", { weight: [weight, "V E"], fixedBias: [fixedBias, "V"] });
    else bindShapes("VocabularyHead", { weight: [weight, "V E"] });
    this.weight = weight;
    this.scale = scale;
    this.fixedBias = fixedBias;
  }

  forward(x: Tensor): Tensor {
    const logits = linear(this.scale === 1 ? x : multiply(x, this.scale), this.weight);
    return this.fixedBias ? add(logits, detach(this.fixedBias)) : logits;
  }
}
