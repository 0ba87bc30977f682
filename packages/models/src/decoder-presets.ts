import type { DecoderConfig } from "./decoder-model.ts";

/** Every second layer, from the second on, sees 256 tokens. */
const everySecond = (numLayers: number): (number | null)[] =>
  Array.from({ length: numLayers }, (_, layer) => (layer % 2 === 0 ? null : 256));

const gpt = {
  ...{ positions: { kind: "learned" }, placement: "post", finalNorm: false },
  ...{ embeddingDropout: 0.1, attentionDropout: 0.1, residualDropout: 0.1 },
} satisfies Partial<DecoderConfig>;

const gptNeo = {
  ...{ vocabSize: 50257, maxSeqLen: 2048, positions: { kind: "learned" }, projection: "separate" },
  ...{ attentionBias: false, outputBias: true, scale: 1 },
} satisfies Partial<DecoderConfig>;

/** Rotary positions on a quarter of each head. */
const neox = (dModel: number, numHeads: number) =>
  ({
    ...{ maxSeqLen: 2048, dModel, numHeads, activation: "gelu", branches: "parallel with two norms", tieHead: false },
    positions: { kind: "rotary", width: Math.floor(dModel / numHeads / 4) },
  }) satisfies Partial<DecoderConfig>;

/** Its head has a bias, its attention none. */
const gptj = {
  ...{ vocabSize: 50400, maxSeqLen: 2048, positions: { kind: "rotary", layout: "interleaved", width: 64 } },
  ...{ projection: "separate", branches: "parallel", attentionBias: false, tieHead: false, headBias: true },
} satisfies Partial<DecoderConfig>;

const phi = {
  ...{ vocabSize: 51200, maxSeqLen: 2048, positions: { kind: "rotary", width: 32 }, projection: "separate" },
  ...{ branches: "parallel", tieHead: false, headBias: true },
} satisfies Partial<DecoderConfig>;

const falcon = {
  ...{ vocabSize: 65024, maxSeqLen: 2048, activation: "gelu", positions: { kind: "rotary" } },
  ...{ attentionBias: false, feedForwardBias: false },
} satisfies Partial<DecoderConfig>;

const opt = {
  ...{ vocabSize: 50272, maxSeqLen: 2048, activation: "relu", positions: { kind: "learned", offset: 2 } },
  ...{ projection: "separate", paddingId: 1, residualDropout: 0.1 },
} satisfies Partial<DecoderConfig>;

/** 512 colors and the token that starts an image, 32 x 32 pixels. */
const imageGpt = {
  vocabSize: 513,
  maxSeqLen: 1024,
  activation: "quick_gelu",
  positions: { kind: "learned" },
  norm: "rms",
  tieHead: false,
  headSize: 512,
  smallBranchEnds: true,
  embeddingDropout: 0.1,
  attentionDropout: 0.1,
  residualDropout: 0.1,
} satisfies Partial<DecoderConfig>;

/**
 * Published models that {@link decoderModel} builds, by name.
 *
 * @see Their papers, named at `decoderModel`, and the configurations that were published with the weights.
 */
export const decoderPresets = {
  "openai-gpt": { ...gpt, vocabSize: 40478, maxSeqLen: 512, dModel: 768, numLayers: 12, numHeads: 12 },
  "gpt-neo-125m": { ...gptNeo, dModel: 768, numLayers: 12, numHeads: 12, windows: everySecond(12) },
  "gpt-neo-1.3b": { ...gptNeo, dModel: 2048, numLayers: 24, numHeads: 16, windows: everySecond(24) },
  "gpt-neo-2.7b": { ...gptNeo, dModel: 2560, numLayers: 32, numHeads: 20, windows: everySecond(32) },
  "pythia-70m": { ...neox(512, 8), vocabSize: 50304, numLayers: 6 },
  "pythia-160m": { ...neox(768, 12), vocabSize: 50304, numLayers: 12 },
  "pythia-410m": { ...neox(1024, 16), vocabSize: 50304, numLayers: 24 },
  "gpt-neox-20b": { ...neox(6144, 64), vocabSize: 50432, numLayers: 44 },
  "gpt-j-6b": { ...gptj, dModel: 4096, numLayers: 28, numHeads: 16 },
  "phi-1": { ...phi, dModel: 2048, numLayers: 24, numHeads: 32 },
  "phi-2": { ...phi, dModel: 2560, numLayers: 32, numHeads: 32 },
  "falcon-7b": { ...falcon, dModel: 4544, numLayers: 32, numHeads: 71, numKvHeads: 1, branches: "parallel" },
  "falcon-40b": {
    ...{ ...falcon, dModel: 8192, numLayers: 60, numHeads: 128, numKvHeads: 8, branches: "parallel with two norms" },
  },
  "opt-125m": { ...opt, dModel: 768, numLayers: 12, numHeads: 12 },
  "opt-350m": {
    ...{ ...opt, dModel: 1024, numLayers: 24, numHeads: 16, dEmbedding: 512, placement: "post", finalNorm: false },
  },
  "bloom-560m": {
    ...{ vocabSize: 250880, maxSeqLen: 2048, dModel: 1024, numLayers: 24, numHeads: 16 },
    ...{ positions: { kind: "alibi" }, embeddingNorm: true },
  },
  "mpt-7b": {
    ...{ vocabSize: 50432, maxSeqLen: 2048, dModel: 4096, numLayers: 32, numHeads: 32, activation: "gelu" },
    ...{ positions: { kind: "alibi", order: "mpt" }, norm: "layer without bias" },
    ...{ attentionBias: false, feedForwardBias: false },
  },
  "imagegpt-small": { ...imageGpt, dModel: 512, numLayers: 24, numHeads: 8 },
  "imagegpt-medium": { ...imageGpt, dModel: 1024, numLayers: 36, numHeads: 8 },
  "imagegpt-large": { ...imageGpt, dModel: 1536, numLayers: 48, numHeads: 16 },
} as const satisfies Readonly<Record<string, DecoderConfig>>;

/** Name of a preset. */
export type DecoderPresetName = keyof typeof decoderPresets;
