import type { Pretrained } from "@heed/models";
import { expect, test } from "vitest";
import { runGenerate, runTargetGenerate } from "../src/verify/generate.ts";
import { processorsOf, settingsOf } from "../src/verify/generation-options.ts";
import type { GoldenCase } from "../src/verify/golden.ts";

/** A case of generation; its mask has one row. */
const caseOf = (options: Record<string, unknown>, mask: number[] = [1, 1, 1]): GoldenCase =>
  ({
    ...{ name: "mine", call: { options: { max_new_tokens: 3, ...options } }, outputs: new Map() },
    inputs: new Map([["attention_mask", { shape: [1, mask.length], values: mask }]]),
  }) as unknown as GoldenCase;

const folder = (config: Record<string, unknown>, generationConfig?: Record<string, unknown>): Pretrained =>
  ({ origin: { config, generationConfig } }) as unknown as Pretrained;

test("options of the case go before generation_config.json, and this before config.json", () => {
  const files = folder({ eos_token_id: 1, pad_token_id: 2, num_beams: 5 }, { eos_token_id: [3, 4], num_beams: 6 });
  expect(settingsOf(files, caseOf({ num_beams: 2, length_penalty: 0.5 }))).toMatchObject({
    ...{ stopTokens: [3, 4], paddingId: 2, numBeams: 2, lengthPenalty: 0.5, earlyStopping: false },
  });
  expect(settingsOf(files, caseOf({ eos_token_id: null })).stopTokens).toEqual([]);
  expect(settingsOf(folder({ eos_token_id: 1 }), caseOf({})).paddingId).toBe(1);
});

test("what would change the tokens and is not supported is refused by name, in the folder as in the case", () => {
  const files = folder({ encoder_no_repeat_ngram_size: 3 });
  expect(() => settingsOf(files, caseOf({}))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: encoder_no_repeat_ngram_size of case mine is 3, expected 0. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ max_time: 2 }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: max_time of case mine is 2, expected null. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ do_sample: true }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: do_sample of case mine is true, expected false. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ early_stopping: 3 }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: early_stopping is unknown, expected true, false or "never", got 3]`,
  );
  expect(settingsOf(files, caseOf({ encoder_no_repeat_ngram_size: null })).numBeams).toBe(1);
  expect(runGenerate.refuses(caseOf({ top_h: 3 }))).toMatch(/^options top_h not supported, expected max_new_tokens, /);
  expect(runGenerate.refuses(caseOf({ max_new_tokens: null }))).toMatchInlineSnapshot(
    `"generation without max_new_tokens is not supported"`,
  );
});

test("a prompt is padded on the left, a source anywhere", () => {
  expect(runGenerate.refuses(caseOf({}, [0, 0, 1]))).toBeUndefined();
  for (const mask of [[1, 0], [0, 1, 0, 1], [0]])
    expect(runGenerate.refuses(caseOf({}, mask))).toMatch(/padded elsewhere than on the left/);
  expect(runTargetGenerate.refuses(caseOf({}, [1, 0]))).toBeUndefined();
});

const sizes = { vocabSize: 6, stopTokens: [5] };

/** Ids that the processors leave after a row, with logits 0 1 2 3 4 5. */
function left(config: Record<string, unknown>, tokens: number[], promptLength: number, options = {}): number[] {
  const logits = Float32Array.of(0, 1, 2, 3, 4, 5);
  const row = { index: 0, tokens, promptLength, maxNewTokens: 3, stopTokens: sizes.stopTokens };
  for (const processor of processorsOf(folder(config), caseOf(options), sizes)) processor(logits, row);
  return [...logits.keys()].filter((id) => logits[id]! > -Infinity);
}

test("options of texts become processors, from the case or the folder", () => {
  expect(left({}, [1, 2], 1)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(left({ no_repeat_ngram_size: 2 }, [1, 2, 1], 1)).toEqual([0, 1, 3, 4, 5]);
  expect(left({ no_repeat_ngram_size: 2 }, [1, 2, 1], 1, { no_repeat_ngram_size: 1 })).toEqual([0, 3, 4, 5]);
  expect(left({ no_repeat_ngram_size: 2 }, [1, 2, 1], 1, { no_repeat_ngram_size: null })).toHaveLength(6);
  expect(left({ min_length: 3 }, [1, 2], 1)).toEqual([0, 1, 2, 3, 4]);
  expect(left({ min_length: 3 }, [1, 2, 1], 1)).toHaveLength(6);
  // A least number of new tokens takes the place of the least length, also 0.
  expect(left({ min_length: 9, min_new_tokens: 2 }, [1, 2], 1)).toEqual([0, 1, 2, 3, 4]);
  expect(left({ min_length: 9, min_new_tokens: 0 }, [1, 2], 1)).toHaveLength(6);
  // A stop token alone is no bad word.
  expect(left({ bad_words_ids: [[5], [0], [1, 2, 3]] }, [1, 1, 2], 1)).toEqual([1, 2, 4, 5]);
  expect(left({ suppress_tokens: [1, 4], begin_suppress_tokens: [0] }, [1], 1)).toEqual([2, 3, 5]);
  expect(left({ suppress_tokens: [1, 4], begin_suppress_tokens: [0] }, [1, 2], 1)).toEqual([0, 2, 3, 5]);
  expect(left({ suppress_tokens: [], bad_words_ids: [], sequence_bias: [] }, [1], 1)).toHaveLength(6);
  expect(left({ forced_eos_token_id: [3, 5] }, [1, 2, 2], 1)).toEqual([3, 5]);
  expect(left({ forced_eos_token_id: 5 }, [1, 2], 1)).toHaveLength(6);
});

test("a forced first token does not count as the beginning, and is not forced after a longer prompt", () => {
  const config = { forced_bos_token_id: 4, begin_suppress_tokens: [0] };
  expect(left(config, [1], 1)).toEqual([4]);
  expect(left(config, [1, 4], 1)).toEqual([1, 2, 3, 4, 5]);
  expect(left(config, [1, 2], 2)).toEqual([1, 2, 3, 4, 5]);
});

test("processors stand in the order of the original", () => {
  const apply = (config: Record<string, unknown>): number[] => {
    const logits = Float32Array.of(0, 1, 2, 3, 4, 5);
    const row = { index: 0, tokens: [1, 4], promptLength: 1, maxNewTokens: 2, stopTokens: sizes.stopTokens };
    for (const processor of processorsOf(folder(config), caseOf({}), sizes)) processor(logits, row);
    return [...logits];
  };
  // The bias comes before the penalty: (4 + 2) / 2 and (1 - 2) * 2; of two biases of a sequence the last holds.
  const bias = [
    [[4], 9],
    [[4], 2],
    [[1], -2],
  ];
  expect(apply({ sequence_bias: bias, repetition_penalty: 2 })).toEqual([0, -2, 2, 3, 3, 5]);
  // A forced token is possible whatever forbade it before, not what is forbidden after it.
  const none = -Infinity;
  expect(apply({ forced_eos_token_id: 4, bad_words_ids: [[4]] })).toEqual([none, none, none, none, 0, none]);
  expect(apply({ forced_eos_token_id: [4, 5], suppress_tokens: [4] })).toEqual([none, none, none, none, none, 0]);
});

test("options that cannot be used are named with what they should be", () => {
  const said = (options: Record<string, unknown>): string => {
    try {
      processorsOf(folder({}), caseOf(options), sizes);
    } catch (error) {
      return String(error);
    }
    return "nothing";
  };
  const strange: Record<string, unknown>[] = [
    ...[{ no_repeat_ngram_size: -1 }, { min_length: "3" }, { min_new_tokens: 1.5 }, { repetition_penalty: 0 }],
    ...[{ bad_words_ids: [3] }, { bad_words_ids: [[]] }, { sequence_bias: [[[3], "much"]] }],
    ...[{ suppress_tokens: 3 }, { begin_suppress_tokens: [6] }, { forced_bos_token_id: [3] }],
    { forced_eos_token_id: -1 },
  ];
  expect(strange.map(said)).toMatchInlineSnapshot(`
    [
      "RangeError: verify: no_repeat_ngram_size of case mine is -1, expected a whole number >= 0",
      "RangeError: verify: min_length of case mine is "3", expected a whole number >= 0",
      "RangeError: verify: min_new_tokens of case mine is 1.5, expected a whole number >= 0",
      "RangeError: verify: repetition_penalty of case mine is 0, expected a finite number > 0",
      "RangeError: verify: bad_words_ids of case mine is [3], expected a list of lists of token ids in 0..5",
      "RangeError: verify: bad_words_ids of case mine is [[]], expected a list of lists of token ids in 0..5",
      "RangeError: verify: sequence_bias of case mine is [[[3],"much"]], expected pairs of a list of token ids in 0..5 and a finite number",
      "RangeError: verify: suppress_tokens of case mine is 3, expected a list of token ids in 0..5",
      "RangeError: verify: begin_suppress_tokens of case mine is [6], expected a list of token ids in 0..5",
      "RangeError: verify: forced_bos_token_id of case mine is [3], expected a token id in 0..5",
      "RangeError: verify: forced_eos_token_id of case mine is -1, expected a token id or a list of them in 0..5",
    ]
  `);
});
