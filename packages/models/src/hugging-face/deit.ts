import { vitFamily } from "./vit-like.ts";

/**
 * DeiT in Hugging Face folders: a ViT with a distillation token, whose own classifier is `distilled` beside `classes`.
 *
 * @see Hugging Face transformers: models/deit/configuration_deit.py and modeling_deit.py.
 */
export const deitFamily = vitFamily({
  modelType: "deit",
  prefix: "deit.",
  bare: "DeiTModel",
  tokens: ["cls_token", "distillation_token"],
  prefixTokens: "class and distillation",
  classes: {
    DeiTModel: ["pooled"],
    DeiTForImageClassification: ["classes"],
    DeiTForImageClassificationWithTeacher: ["classes", "distilled"],
    DeiTForMaskedImageModeling: ["pixels"],
  },
  classifier: (head, heads) => {
    if (head === "distilled") return "distillation_classifier";
    return heads.includes("distilled") ? "cls_classifier" : "classifier";
  },
  classifiers: ["classifier", "cls_classifier", "distillation_classifier"],
});
