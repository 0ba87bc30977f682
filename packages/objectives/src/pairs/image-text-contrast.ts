import { and, causal } from "@heed/attention";
import {
  bindShapes,
  exp,
  formatShape,
  matmul,
  maximum,
  multiply,
  rsqrt,
  ShapeError,
  sum,
  type Tensor,
  transpose,
} from "@heed/tensor";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import { contrastiveLoss } from "../losses/contrastive-loss.ts";
import type { Objective } from "../objective.ts";

/** An image, as pixels or patches in the order the image tower reads them, with a text that describes it. */
export interface DescribedImage {
  readonly image: Float32Array;
  readonly tokens: Int32Array;
}

/** An image and its text to read. */
export interface ImageTextExample extends TextInputs {
  readonly image: Float32Array;
}

/** What the two towers say. Row i of one belongs to row i of the other. */
export interface ImageTextEmbeddings {
  /** of any length; the loss normalizes them. Shape [B, E] */
  readonly image: Tensor;
  /** read at the separator behind each text. Shape [B, E] */
  readonly text: Tensor;
  /** logarithm of what cosines are multiplied by, learned; ln(1 / 0.07) to begin with. Shape [] */
  readonly logScale: Tensor;
}

/** Rows of length 1; a row of zeros stays. */
const unit = (x: Tensor): Tensor =>
  multiply(x, rsqrt(maximum(sum(multiply(x, x), { axes: -1, keepDims: true }), 1e-24)));

/**
 * Tell which text of a batch belongs to which image, and which image to which text (CLIP).
 *
 * Every other pair of the batch is a negative: stack many. The loss is `contrastiveLoss` of e^logScale times the cosines.
 *
 * Shapes: prepare an image and a text -> both, the text in `length` places; loss embeddings [B, E] twice -> [].
 *
 * @throws RangeError for a text that does not fit; ShapeError for embeddings of different shapes
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, section 2.3 and figure 3,
 *   arXiv:2103.00020.
 * @example
 * const objective = imageTextContrast({ length: 6, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ image: Float32Array.of(0.5), tokens: Int32Array.of(7, 8) }, rng(0)).inputs; // 1 7 8 2 0 0
 */
export function imageTextContrast(
  template: TextTemplate,
): Objective<DescribedImage, ImageTextExample, ImageTextEmbeddings> {
  checkTemplate("imageTextContrast", template);
  return {
    mask: causal(),
    maskFor: ({ keep }) => and(causal(), keepMask(keep, template.length)),
    prepare: ({ image, tokens }) => ({
      image: image.slice(),
      ...fillTemplate("imageTextContrast", template, tokens).row,
    }),
    loss({ image, text, logScale }, { inputs }) {
      const { B } = bindShapes("imageTextContrast", { image: [image, "B E"], text: [text, "B E"] });
      if (inputs.length !== B * template.length)
        throw new ShapeError(
          `imageTextContrast: example has ${inputs.length} places, expected ${B * template.length} (from image ${formatShape(image.shape)}). Stack as many examples as the batch has rows`,
        );
      return contrastiveLoss(multiply(matmul(unit(image), transpose(unit(text))), exp(logScale)));
    },
  };
}
