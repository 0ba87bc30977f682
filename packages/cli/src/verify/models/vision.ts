import { type ImageModel, isImageModel, type Pretrained } from "@heed/models";
import { maskedImageModeling } from "@heed/objectives";
import { add, cast, multiply, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32 } from "../support.ts";
import { type EncoderClass, headOf, observerOf, type Reading } from "./encoder.ts";
import { readClasses } from "./encoder-classes.ts";
import { fitted, imagesOf, joinPatches } from "./images.ts";
import { maskedAutoencoders } from "./masked-autoencoder.ts";
import { patchesOf } from "./patches.ts";

/** The images of a case and the model that read them. */
type ImageReading = Reading & { readonly model: ImageModel; readonly images: Tensor };

/** As {@link EncoderClass}, of images. */
interface ImageClass extends Omit<EncoderClass, "read"> {
  read(reading: ImageReading): Tensor | undefined;
}

function imageModelOf({ model, modelType }: Pretrained): ImageModel {
  if (isImageModel(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no encoder of images with heads, expected one for this case`);
}

/** The forward pass of an encoder of images with its heads. */
function imageForward({ inputs: more, read }: ImageClass): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const images = imagesOf(golden);
    const model = fitted(imageModelOf(pretrained), images, golden);
    const masked = golden.inputs.get("bool_masked_pos");
    const found = model.forward(images, {
      masked: masked && cast(int32(masked), "bool"),
      observe: observerOf(golden, watch),
    });
    return read({ found, golden, pretrained, watch, model, images });
  };
  return forwardRunner({ inputs: ["pixel_values", ...more], options: ["interpolate_pos_encoding"], compute });
}

const states: ImageClass = {
  inputs: [],
  read({ found, watch }) {
    watch("last_hidden_state", found["states"]!);
    if (found["pooled"]) watch("pooler_output", found["pooled"]);
    return undefined;
  },
};

const classes: ImageClass = { inputs: ["labels"], read: readClasses };

/** The mean of both classifiers; their training is not part of the original. */
const distilled: ImageClass = {
  inputs: [],
  read(reading) {
    const [logits, distillation] = ["classes", "distilled"].map((name) => headOf(reading, name));
    reading.watch("cls_logits", logits!);
    reading.watch("distillation_logits", distillation!);
    reading.watch("logits", multiply(add(logits!, distillation!), 0.5));
    return undefined;
  },
};

/** Rebuilt images, and the objective's loss over hidden patches. */
const pixels: ImageClass = {
  inputs: ["bool_masked_pos"],
  read(reading) {
    const { golden, watch, model, images } = reading;
    const predictions = headOf(reading, "pixels");
    const [numRows, numColumns] = model.vision.grid;
    watch("reconstruction", joinPatches(predictions, [numRows, numColumns], model.vision.imageShape[2]));
    const masked = golden.inputs.get("bool_masked_pos");
    if (!masked) return undefined;
    const dPatch = predictions.shape[2]!;
    const targets = patchesOf(images, model.vision.patchSize);
    if (targets.length !== predictions.size)
      throw badInput(
        `verify: case ${golden.name} hides patches of ${model.vision.patchSize} pixels, expected an encoder_stride of as many`,
      );
    return maskedImageModeling({ numRows, numColumns, dPatch }).loss(predictions, {
      patches: targets,
      masked: Int32Array.from(masked.values),
      targets,
      lossWeights: Float32Array.from(masked.values),
    });
  },
};

const imageClasses: Readonly<Record<string, ImageClass>> = {
  DeiTForImageClassification: classes,
  DeiTForImageClassificationWithTeacher: distilled,
  DeiTForMaskedImageModeling: pixels,
  DeiTModel: states,
  ViTForImageClassification: classes,
  ViTForMaskedImageModeling: pixels,
  ViTModel: states,
};

/** Runners of models that read images, by class. */
export const visionModels: Readonly<Record<string, { readonly forward: Runner }>> = {
  ...Object.fromEntries(
    Object.entries(imageClasses).map(([name, imageClass]) => [name, { forward: imageForward(imageClass) }]),
  ),
  ...maskedAutoencoders,
};
