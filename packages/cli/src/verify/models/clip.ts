import { isClip, type Pretrained } from "@heed/models";
import { contrastiveLoss } from "@heed/objectives";
import { divide, exp, matmul, multiply, sqrt, sum, type Tensor, transpose } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import { int32, optionsOf, tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";
import { fitted, imagesOf } from "./images.ts";

/** Rows of length 1. */
const unit = (x: Tensor): Tensor => divide(x, sqrt(sum(multiply(x, x), { axes: -1, keepDims: true })));

function compute({ model: whole, modelType }: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined {
  if (!isClip(whole)) throw badInput(`verify: model_type ${modelType} is no CLIP, expected one for this case`);
  const images = imagesOf(golden);
  const model = fitted(whole, images, golden);
  const ids = golden.inputs.get("position_ids");
  const found = model.forward(
    { images, tokens: tokensOf(model.text.stack.vocabSize, golden) },
    { padding: paddingOf(golden), positions: ids && int32(ids) },
  );
  const [image, text] = [unit(found.image), unit(found.text)];
  watch("image_embeds", image);
  watch("text_embeds", text);
  const logits = multiply(matmul(image, transpose(text)), exp(found.logScale));
  watch("logits_per_image", logits);
  watch("logits_per_text", transpose(logits));
  return optionsOf(golden)["return_loss"] === true ? contrastiveLoss(logits) : undefined;
}

/** Runners of models that read images and texts, by class. */
export const imageTextModels = {
  CLIPModel: {
    forward: forwardRunner({
      inputs: ["input_ids", "attention_mask", "position_ids", "pixel_values"],
      options: ["return_loss", "interpolate_pos_encoding"],
      compute,
    }),
  },
};
