import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "Block",
      "Decoder",
      "ParallelBlock",
      "Stack",
      "activations",
      "configFromHuggingFace",
      "families",
      "gpt2",
      "gpt2Presets",
      "isDecoder",
      "loadPretrained",
      "namedWeights",
      "runBlocks",
      "savePretrained",
    ]
  `);
});
