import { vitFamily as familyOf } from "./vit-like.ts";

/**
 * ViT in Hugging Face folders: classifier, bare with its pooler, and SimMIM.
 *
 * @see Hugging Face transformers: models/vit/configuration_vit.py and modeling_vit.py.
 */
export const vitFamily = familyOf({
  modelType: "vit",
  prefix: "vit.",
  bare: "ViTModel",
  tokens: ["cls_token"],
  prefixTokens: "class",
  classes: {
    ViTModel: ["pooled"],
    ViTForImageClassification: ["classes"],
    ViTForMaskedImageModeling: ["pixels"],
  },
  classifier: () => "classifier",
  classifiers: ["classifier"],
});
