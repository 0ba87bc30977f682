import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "answerSpan",
      "bestSpan",
      "binaryCrossEntropy",
      "causalLM",
      "contrastiveLoss",
      "corruptSpans",
      "cosineSimilarity",
      "distillation",
      "imageTextContrast",
      "klDivergence",
      "maskedAutoencoding",
      "maskedImageModeling",
      "meanSquaredError",
      "multiLabel",
      "multipleChoice",
      "nextPixel",
      "regression",
      "retrieval",
      "sentencePair",
      "seq2seq",
      "sequenceClassification",
      "shiftRight",
      "smoothedTargets",
      "softCrossEntropy",
      "spanCorruption",
      "spanCorruptionLengths",
      "stackExamples",
      "tokenClassification",
    ]
  `);
});
