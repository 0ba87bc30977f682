import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "Block",
      "Decoder",
      "Decoding",
      "DecodingCache",
      "EncoderDecoder",
      "FactorizedEmbedding",
      "FactorizedHead",
      "ParallelBlock",
      "Stack",
      "T5Encoder",
      "VocabularyHead",
      "activations",
      "bart",
      "bartPresets",
      "configFromHuggingFace",
      "decoderModel",
      "families",
      "gpt2",
      "gpt2Presets",
      "isDecoder",
      "isEncoderDecoder",
      "llama",
      "llamaPresets",
      "loadPretrained",
      "makeBlocks",
      "modelFromHuggingFace",
      "namedWeights",
      "rotaryOf",
      "runBlocks",
      "savePretrained",
      "separateAttention",
      "t5",
      "t5Encoder",
      "t5Presets",
      "transformer",
      "transformerPresets",
    ]
  `);
});
