import { isClip, type Pretrained, type TowerOutputs } from "@heed/models";
import { contrastiveLoss } from "@heed/objectives";
import { divide, exp, matmul, multiply, sqrt, sum, type Tensor, transpose } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import { int32, optionsOf, tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";
import { observerOf } from "./encoder.ts";
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

/** What a tower gives, under the names of the classes that have it. */
function watchTower({ states, pooled, projected }: TowerOutputs, watch: Watch, embeds: string): undefined {
  watch("last_hidden_state", states);
  watch("pooler_output", pooled);
  if (projected) watch(embeds, projected);
}

const textTower = forwardRunner({
  inputs: ["input_ids", "attention_mask", "position_ids"],
  compute({ model, modelType }, golden, watch) {
    if (!("text" in model && "textProjection" in model) || isClip(model))
      throw badInput(`verify: model_type ${modelType} is no text tower of CLIP, expected one for this case`);
    const ids = golden.inputs.get("position_ids");
    const found = model.forward(tokensOf(model.text.stack.vocabSize, golden), {
      ...{ padding: paddingOf(golden), positions: ids && int32(ids), observe: observerOf(golden, watch) },
    });
    return watchTower(found, watch, "text_embeds");
  },
});

const imageTower = forwardRunner({
  inputs: ["pixel_values"],
  options: ["interpolate_pos_encoding"],
  compute({ model, modelType }, golden, watch) {
    if (!("image" in model && "imageProjection" in model) || isClip(model))
      throw badInput(`verify: model_type ${modelType} is no image tower of CLIP, expected one for this case`);
    const images = imagesOf(golden);
    const found = fitted(model, images, golden).forward(images, { observe: observerOf(golden, watch) });
    return watchTower(found, watch, "image_embeds");
  },
});

/** Runners of models that read images and texts, by class. */
export const imageTextModels = {
  CLIPModel: {
    forward: forwardRunner({
      inputs: ["input_ids", "attention_mask", "position_ids", "pixel_values"],
      options: ["return_loss", "interpolate_pos_encoding"],
      compute,
    }),
  },
  CLIPTextModel: { forward: textTower },
  CLIPTextModelWithProjection: { forward: textTower },
  CLIPVisionModel: { forward: imageTower },
  CLIPVisionModelWithProjection: { forward: imageTower },
};
