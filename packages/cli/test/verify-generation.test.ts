import type { Pretrained } from "@heed/models";
import { expect, test } from "vitest";
import { runGenerate, runTargetGenerate } from "../src/verify/generate.ts";
import { settingsOf } from "../src/verify/generation-options.ts";
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
  const files = folder({ suppress_tokens: [7] });
  expect(() => settingsOf(files, caseOf({}))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: suppress_tokens of case mine is [7], expected null. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ forced_eos_token_id: 2 }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: forced_eos_token_id of case mine is 2, expected null. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ do_sample: true }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: do_sample of case mine is true, expected false. Others are not supported]`,
  );
  expect(() => settingsOf(folder({}), caseOf({ early_stopping: 3 }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: verify: early_stopping is unknown, expected true, false or "never", got 3]`,
  );
  expect(settingsOf(files, caseOf({ suppress_tokens: null })).numBeams).toBe(1);
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
