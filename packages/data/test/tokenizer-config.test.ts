import { expect, test } from "vitest";
import { tokenizerConfig } from "../src/index.ts";
import { thrownBy } from "./support.ts";

test("tokenizerConfig names the class that takes tokenizer.json as it is, and the longest sequence", () => {
  expect(tokenizerConfig({ maxSeqLen: 64 })).toEqual({
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    model_max_length: 64,
  });
  expect(thrownBy(() => tokenizerConfig({ maxSeqLen: 0 }))).toMatchInlineSnapshot(
    `"RangeError: tokenizerConfig: maxSeqLen is out of range, expected a whole number >= 1, got 0"`,
  );
});
