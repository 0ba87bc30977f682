export type { ActivationName } from "./activations.ts";
export { activations } from "./activations.ts";
export type {
  AttentionLayer,
  BlockOptions,
  BlockParts,
  LayerMemory,
  PositionWise,
  TransformerBlock,
} from "./block.ts";
export { Block } from "./block.ts";
export type { DecoderParts, ForwardOptions, Head } from "./decoder.ts";
export { Decoder, isDecoder } from "./decoder.ts";
export type { Gpt2Config, Gpt2PresetName } from "./gpt2.ts";
export { gpt2, gpt2Presets } from "./gpt2.ts";
export { configFromHuggingFace } from "./hugging-face/config-from-hugging-face.ts";
export type { AnyFamily, ConfigOf, ModelOf, ModelType } from "./hugging-face/families.ts";
export { families } from "./hugging-face/families.ts";
export type { ModelFamily, WeightRow } from "./hugging-face/family.ts";
export type { LoadOptions, Origin, Pretrained, PretrainedOf } from "./hugging-face/load.ts";
export { loadPretrained } from "./hugging-face/load.ts";
export { namedWeights } from "./hugging-face/names.ts";
export type { SaveOptions } from "./hugging-face/save.ts";
export { savePretrained } from "./hugging-face/save.ts";
export type { ParallelBlockParts } from "./parallel-block.ts";
export { ParallelBlock } from "./parallel-block.ts";
export type { ForwardObserver, Memory, RunOptions } from "./run-blocks.ts";
export { runBlocks } from "./run-blocks.ts";
export type { StackOptions, StackParts } from "./stack.ts";
export { Stack } from "./stack.ts";
