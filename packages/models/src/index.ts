export type { ActivationName } from "./activations.ts";
export { activations } from "./activations.ts";
export type { LoadElmoOptions, PretrainedElmo } from "./allennlp/elmo-folder.ts";
export { elmoWeights, loadElmo, saveElmo } from "./allennlp/elmo-folder.ts";
export type { ElmoNaming } from "./allennlp/elmo-names.ts";
export { elmoConfigFromOptions } from "./allennlp/elmo-options.ts";
export type { BartConfig, BartPresetName } from "./bart.ts";
export { bart, bartPresets } from "./bart.ts";
export type { BertConfig } from "./bert.ts";
export { bert, pooler } from "./bert.ts";
export type { BertPresetName } from "./bert-presets.ts";
export { bertPresets } from "./bert-presets.ts";
export type { AttentionLayer, BlockOptions, BlockParts, LayerMemory, PositionWise, TransformerBlock } from "./block.ts";
export { Block } from "./block.ts";
export type { ClipConfig, ClipImageConfig, ClipOptions, ClipOutputs, ClipPresetName, ImagesAndTexts } from "./clip.ts";
export { Clip, clip, clipPresets, isClip } from "./clip.ts";
export type { ClipTextConfig, TextStates } from "./clip-text.ts";
export { ClipText } from "./clip-text.ts";
export type { ClipImageTowerConfig, ClipTextTowerConfig, TowerOutputs } from "./clip-towers.ts";
export { ClipImageTower, ClipTextTower, clipImageTower, clipTextTower } from "./clip-towers.ts";
export { ConvolutionalStem, createConvolutionalStem } from "./convolutional-stem.ts";
export type { DecoderParts, ForwardOptions, Head } from "./decoder.ts";
export { Decoder, isDecoder } from "./decoder.ts";
export type { DecoderConfig } from "./decoder-model.ts";
export { decoderModel } from "./decoder-model.ts";
export type { PositionsConfig } from "./decoder-positions.ts";
export type { DecoderPresetName } from "./decoder-presets.ts";
export { decoderPresets } from "./decoder-presets.ts";
export type { DecodingOptions, EncodedSource, TargetDecoder } from "./decoding.ts";
export { Decoding, DecodingCache } from "./decoding.ts";
export type { ElmoConfig, ElmoPresetName } from "./elmo.ts";
export { elmo, elmoPresets } from "./elmo.ts";
export { elmoCharacters } from "./elmo-characters.ts";
export type { ElmoLayers, ElmoOptions, ElmoOutputs, ElmoParts } from "./elmo-model.ts";
export { Elmo, isElmo } from "./elmo-model.ts";
export type {
  DecodingSource,
  EncodeOptions,
  EncoderDecoderParts,
  PairOptions,
  SequencePair,
} from "./encoder-decoder.ts";
export { EncoderDecoder, isEncoderDecoder } from "./encoder-decoder.ts";
export type { LayerMakers, SeparateAttentionOptions, StackSizes } from "./encoder-decoder-blocks.ts";
export { makeBlocks, separateAttention } from "./encoder-decoder-blocks.ts";
export type { EncoderDecoderModelParts, ReadOptions } from "./encoder-decoder-model.ts";
export { EncoderDecoderModel, isEncoderDecoderModel } from "./encoder-decoder-model.ts";
export type { EncoderModelParts, EncoderOutputs, PositionsFn } from "./encoder-model.ts";
export { EncoderModel, isEncoderModel } from "./encoder-model.ts";
export { FactorizedEmbedding, ProjectedNorm } from "./factorized-embedding.ts";
export type { Gpt2Config, Gpt2PresetName } from "./gpt2.ts";
export { gpt2, gpt2Presets } from "./gpt2.ts";
export type { ClassesConfig, Classified } from "./hugging-face/classifier-family.ts";
export type { ConfigOptions } from "./hugging-face/config-from-hugging-face.ts";
export { configFromHuggingFace, modelFromHuggingFace } from "./hugging-face/config-from-hugging-face.ts";
export type { AnyFamily, ConfigOf, ModelOf, ModelType } from "./hugging-face/families.ts";
export { families } from "./hugging-face/families.ts";
export type { ModelFamily, WeightRow } from "./hugging-face/family.ts";
export type { LoadOptions, Origin, Pretrained, PretrainedOf } from "./hugging-face/load.ts";
export { loadPretrained } from "./hugging-face/load.ts";
export { namedWeights } from "./hugging-face/names.ts";
export type { SaveOptions } from "./hugging-face/save.ts";
export { savePretrained } from "./hugging-face/save.ts";
export type { Reading, ReadingConfig } from "./hugging-face/source-heads.ts";
export type { PretrainedT5Config } from "./hugging-face/t5.ts";
export type { PretrainedXlnetConfig } from "./hugging-face/xlnet.ts";
export type { ImageOutputs } from "./image-model.ts";
export { ImageModel, isImageModel } from "./image-model.ts";
export { lastEndToken } from "./last-end-token.ts";
export type { LlamaConfig, LlamaPresetName } from "./llama.ts";
export { llama, llamaPresets } from "./llama.ts";
export type { MaeConfig, MaePresetName, PatchDecoderParts, VisiblePatches } from "./mae.ts";
export { isMaskedAutoencoder, MaskedAutoencoder, mae, maePresets, PatchDecoder } from "./mae.ts";
export type { ParallelBlockParts } from "./parallel-block.ts";
export { ParallelBlock } from "./parallel-block.ts";
export type { ImageEmbedding } from "./patch-embedding.ts";
export { createPatchEmbedding, cutPatches, PatchEmbedding } from "./patch-embedding.ts";
export type { RotaryConfig, RotaryScalingConfig } from "./rotary-config.ts";
export { rotaryOf } from "./rotary-config.ts";
export type { ForwardObserver, Memory, RunOptions } from "./run-blocks.ts";
export { runBlocks } from "./run-blocks.ts";
export type { SequenceClassifierParts, SequencePool } from "./sequence-classifier.ts";
export { isSequenceClassifier, lastToken, meanOfTokens, SequenceClassifier } from "./sequence-classifier.ts";
export type { SourceShift } from "./source-shift.ts";
export { startingWith, startingWithLast } from "./source-shift.ts";
export type { StackOptions, StackParts } from "./stack.ts";
export { Stack } from "./stack.ts";
export type { EncoderHead, HeadConfig, HeadOptions, StatesHeadOptions, StatesHeadParts } from "./states-head.ts";
export { createHeads, createStatesHead, StatesHead } from "./states-head.ts";
export type { T5Config, T5PresetName } from "./t5.ts";
export { T5Encoder, t5, t5Encoder, t5Presets } from "./t5.ts";
export type { TransformerConfig, TransformerPresetName } from "./transformer.ts";
export { transformer, transformerPresets } from "./transformer.ts";
export type { VisionOptions, VisionTransformerParts } from "./vision-transformer.ts";
export { VisionTransformer } from "./vision-transformer.ts";
export type { VisionLayers, VitConfig, VitPresetName } from "./vit.ts";
export { visionBlocks, visionTransformer, vit, vitPresets } from "./vit.ts";
export type { VocabularyHeadOptions } from "./vocabulary-head.ts";
export { VocabularyHead } from "./vocabulary-head.ts";
export type { XlnetConfig, XlnetPresetName } from "./xlnet.ts";
export { xlnet, xlnetPresets } from "./xlnet.ts";
export type {
  Places,
  RelativeAttentionOptions,
  RelativeAttentionParts,
  RelativeAttentionSizes,
  XlnetBlockParts,
} from "./xlnet-attention.ts";
export { createRelativeAttention, RelativeAttention, XlnetBlock } from "./xlnet-attention.ts";
export type { XlnetObserver, XlnetOptions, XlnetParts } from "./xlnet-model.ts";
export { isXlnet, Xlnet } from "./xlnet-model.ts";
export type { XlnetWithHeadsParts } from "./xlnet-with-heads.ts";
export { isXlnetWithHeads, XlnetWithHeads } from "./xlnet-with-heads.ts";
