import type { JsonObject } from "@heed/checkpoints";
import {
  type ClipImageTower,
  type ClipImageTowerConfig,
  type ClipTextTower,
  type ClipTextTowerConfig,
  clipImageTower,
  clipTextTower,
} from "../clip-towers.ts";
import {
  clipFloatKeys,
  clipWeights,
  isClipBuffer,
  readClipImage,
  readClipText,
  writeClipImage,
  writeClipText,
} from "./clip.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily } from "./family.ts";

type TowerConfig = ClipImageTowerConfig | ClipTextTowerConfig;

/** What a tower's own keys say when it stands alone. */
function readTower(read: ConfigReader, architecture: string): Pick<TowerConfig, "dProjection" | "initFactor"> {
  const width = read.count("projection_dim", 512);
  return {
    ...(architecture.endsWith("WithProjection") && { dProjection: width }),
    initFactor: read.number("initializer_factor", 1),
  };
}

function writeTower(className: string, { dProjection, initFactor = 1 }: TowerConfig): JsonObject {
  return {
    architectures: [dProjection === undefined ? className : `${className}WithProjection`],
    initializer_factor: initFactor,
    ...(dProjection !== undefined && { projection_dim: dProjection }),
    torch_dtype: "float32",
  };
}

const shared = {
  floatKeys: clipFloatKeys,
  numLayers: ({ numLayers }: TowerConfig) => numLayers,
  weights: () => clipWeights,
  prefix: "",
  isIgnored: isClipBuffer,
  isHead: (name: string) => name === "text_projection.weight" || name === "visual_projection.weight",
};

/**
 * The text tower of CLIP in Hugging Face folders of its own.
 *
 * @see Hugging Face transformers: models/clip/configuration_clip.py and modeling_clip.py.
 */
export const clipTextFamily: ModelFamily<ClipTextTowerConfig, ClipTextTower> = {
  ...shared,
  modelType: "clip_text_model",
  architectures: ["CLIPTextModel", "CLIPTextModelWithProjection"],
  readConfig(json, architecture) {
    const read = new ConfigReader("clip_text_model", json);
    return { ...readTower(read, architecture), ...readClipText(read) };
  },
  writeConfig: (config) => ({ ...writeClipText(config), ...writeTower("CLIPTextModel", config) }),
  build: clipTextTower,
};

/**
 * The image tower of CLIP in Hugging Face folders of its own.
 *
 * @see Hugging Face transformers: models/clip/configuration_clip.py and modeling_clip.py.
 */
export const clipVisionFamily: ModelFamily<ClipImageTowerConfig, ClipImageTower> = {
  ...shared,
  modelType: "clip_vision_model",
  architectures: ["CLIPVisionModel", "CLIPVisionModelWithProjection"],
  readConfig(json, architecture) {
    const read = new ConfigReader("clip_vision_model", json);
    return { ...readTower(read, architecture), ...readClipImage(read) };
  },
  writeConfig: (config) => ({ ...writeClipImage(config), ...writeTower("CLIPVisionModel", config) }),
  build: clipImageTower,
};
