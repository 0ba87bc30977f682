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
      "forbiddenSequences",
      "forbiddenTokens",
      "forcedFirstToken",
      "forcedLastToken",
      "generate",
      "greedy",
      "isDivergedError",
      "minLength",
      "minNewTokens",
      "minP",
      "noRepeatNgram",
      "readPrefix",
      "repetitionPenalty",
      "restoreRun",
      "sample",
      "sequenceBias",
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
