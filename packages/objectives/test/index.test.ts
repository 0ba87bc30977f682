import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "binaryCrossEntropy",
      "causalLM",
      "contrastiveLoss",
      "cosineSimilarity",
      "klDivergence",
      "meanSquaredError",
      "smoothedTargets",
      "softCrossEntropy",
      "stackExamples",
    ]
  `);
});
