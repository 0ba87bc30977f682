import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "Embedding",
      "FeedForward",
      "LayerNorm",
      "Linear",
      "constantInit",
      "countParameters",
      "createEmbedding",
      "createFeedForward",
      "createLayerNorm",
      "createLinear",
      "geluActivation",
      "geluTanhActivation",
      "loadStateDict",
      "normalInit",
      "onesInit",
      "parameters",
      "reluActivation",
      "siluActivation",
      "stateDict",
      "uniformInit",
      "xavierUniformInit",
      "zerosInit",
    ]
  `);
});
