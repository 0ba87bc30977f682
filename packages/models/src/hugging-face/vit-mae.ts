import type { JsonObject } from "@heed/checkpoints";
import { type MaeConfig, type MaskedAutoencoder, mae } from "../mae.ts";
import { sidesOf } from "../vit.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { outside } from "./head-rows.ts";
import {
  linearRows,
  normRows,
  readVisionBody,
  visionFloatKeys,
  visionRows,
  vitBlockRows,
  writeVisionBody,
} from "./vision-body.ts";

function readConfig(json: JsonObject, architecture: string): MaeConfig {
  const read = new ConfigReader("vit_mae", json);
  const body = readVisionBody(read);
  const decoder = {
    dModel: read.count("decoder_hidden_size", 512),
    numLayers: read.count("decoder_num_hidden_layers", 8),
    numHeads: read.count("decoder_num_attention_heads", 16),
    dFF: read.count("decoder_intermediate_size", 2048),
  };
  const config: MaeConfig = {
    ...body,
    decoder: architecture === "ViTMAEForPreTraining" ? decoder : null,
    maskRate: read.number("mask_ratio", 0.75, 0, 1),
    normalizeTargets: read.boolean("norm_pix_loss", false),
  };
  read.finish();
  return config;
}

function writeConfig({ decoder, maskRate = 0.75, normalizeTargets = false, ...body }: MaeConfig): JsonObject {
  return {
    architectures: [decoder ? "ViTMAEForPreTraining" : "ViTMAEModel"],
    model_type: "vit_mae",
    ...writeVisionBody(body),
    ...(decoder && {
      decoder_hidden_size: decoder.dModel,
      decoder_intermediate_size: decoder.dFF,
      decoder_num_attention_heads: decoder.numHeads,
      decoder_num_hidden_layers: decoder.numLayers,
    }),
    mask_ratio: maskRate,
    norm_pix_loss: normalizeTargets,
  };
}

function weights(config: MaeConfig): WeightRow[] {
  const { decoder, imageSize, patchSize } = config;
  const [rows, columns] = sidesOf(imageSize);
  const places = 1 + (rows / patchSize) * (columns / patchSize);
  const dModel = decoder?.dModel ?? 1;
  const decoderRows: WeightRow[] = [
    ...linearRows("decoder.project", "decoder.decoder_embed"),
    { ours: "decoder.maskToken", theirs: "decoder.mask_token", shape: [1, 1, dModel] },
    { ours: "decoder.position.table", theirs: "decoder.decoder_pos_embed", shape: [1, places, dModel] },
    ...vitBlockRows("decoder.blocks.*", "decoder.decoder_layers.*"),
    ...normRows("decoder.norm", "decoder.decoder_norm"),
    ...linearRows("decoder.predict", "decoder.decoder_pred"),
  ];
  return [...visionRows(config, ["cls_token"]), ...outside(decoderRows)];
}

/**
 * Masked autoencoders in Hugging Face folders. The tables of positions stand in the files, and are read from them.
 *
 * @see Hugging Face transformers: models/vit_mae/configuration_vit_mae.py and modeling_vit_mae.py.
 */
export const vitMaeFamily: ModelFamily<MaeConfig, MaskedAutoencoder> = {
  modelType: "vit_mae",
  architectures: ["ViTMAEForPreTraining", "ViTMAEModel"],
  bare: ["ViTMAEModel"],
  readConfig,
  writeConfig,
  floatKeys: visionFloatKeys,
  build: mae,
  numLayers: ({ numLayers, decoder }) => numLayers + (decoder?.numLayers ?? 0),
  weights,
  prefix: "vit.",
  // As version 5 of Python's classes writes them.
  legacyName: (name) => name.replace(/^decoder\.decoder_encoder\.layer\./, "decoder.decoder_layers."),
  isIgnored: () => false,
  isHead: (name) => name.startsWith("decoder."),
};
