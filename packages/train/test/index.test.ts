import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "DivergedError",
      "beamSearch",
      "bleu",
      "captureRun",
      "evaluate",
      "generate",
      "greedy",
      "isDivergedError",
      "minP",
      "readPrefix",
      "repetitionPenalty",
      "restoreRun",
      "sample",
      "stopStrings",
      "temperature",
      "tokenFilter",
      "tokenize13a",
      "topK",
      "topP",
      "train",
    ]
  `);
});
