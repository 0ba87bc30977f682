import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "KeyValueCache",
      "MultiHeadAttention",
      "additiveScore",
      "and",
      "argmaxWeighting",
      "attention",
      "bilinearScore",
      "causal",
      "cosineScore",
      "createAdditiveScore",
      "createBilinearScore",
      "createLinearScore",
      "createMultiHeadAttention",
      "dotScore",
      "entmax15Weighting",
      "full",
      "gumbelWeighting",
      "l2Norm",
      "learnedTemperature",
      "linearScore",
      "negativeSquaredDistanceScore",
      "padding",
      "qkNorm",
      "scaledDotScore",
      "sigmoidWeighting",
      "softCap",
      "softmaxAttention",
      "softmaxWeighting",
      "softmaxWithSink",
      "sparsemaxWeighting",
      "straightThroughWeighting",
      "talkingProbs",
      "talkingScores",
      "topKWeighting",
      "uniformWeighting",
    ]
  `);
});
