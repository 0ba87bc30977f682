import { countBuffers, createWasmBackend, dataSync, fromArray, scope, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type GenerateOptions, generate, readPrefix } from "../src/index.ts";
import { positionModels } from "./positions-models.ts";

beforeEach(() => void useBackend(createWasmBackend({ threads: 1 })!));

/** Tokens and logits of each row: [row][step]. */
async function all(options: GenerateOptions): Promise<{ tokens: number[][]; logits: number[][][] }> {
  const tokens: number[][] = options.prompts.map(() => []);
  const logits: number[][][] = options.prompts.map(() => []);
  for await (const step of generate(options)) {
    step.tokens.forEach((token, row) => tokens[row]!.push(token));
    step.logits.forEach((values, row) => logits[row]!.push([...values]));
  }
  return { tokens, logits };
}

const largestGap = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

const prompts = [Int32Array.of(4, 1, 6, 2, 3), Int32Array.of(5), Int32Array.of(2, 2, 0)];

describe.each(positionModels)("%s positions", (_, make) => {
  test("prompts of unequal length get what each gets alone", async () => {
    const model = make();
    const together = await all({ model, prompts, maxNewTokens: 7 });
    for (const [row, prompt] of prompts.entries()) {
      const alone = await all({ model, prompts: [prompt], maxNewTokens: 7 });
      expect(together.tokens[row]).toEqual(alone.tokens[0]);
      expect(largestGap(together.logits[row]!.flat(), alone.logits[0]!.flat())).toBeLessThan(1e-5);
    }
  });

  test("cached steps give the logits of the whole sequence read at once", async () => {
    const model = make();
    const { tokens, logits } = await all({ model, prompts: [prompts[0]!], maxNewTokens: 7 });
    const sequence = Int32Array.of(...prompts[0]!, ...tokens[0]!.slice(0, -1));
    const whole = scope(() => [...dataSync(model.forward(fromArray(sequence, [1, sequence.length])))]);
    expect(largestGap(whole.slice(-7 * 7), logits[0]!.flat())).toBeLessThan(1e-5);
  });

  test("a prefix read once gives what whole prompts give, again and again", async () => {
    const model = make();
    const before = { ...countBuffers() };
    const prefix = readPrefix({ model, tokens: Int32Array.of(4, 1, 6) });
    const longer = [Int32Array.of(4, 1, 6, 2, 3), Int32Array.of(4, 1, 6, 5)];
    const expected = await all({ model, prompts: longer, maxNewTokens: 6 });
    for (let i = 0; i < 2; i++) {
      const got = await all({ model, prompts: longer, maxNewTokens: 6, prefix });
      expect(got.tokens).toEqual(expected.tokens);
      expect(largestGap(got.logits.flat(2), expected.logits.flat(2))).toBeLessThan(1e-5);
    }
    prefix.dispose();
    expect({ ...countBuffers() }).toEqual(before);
  });
});

test("a prefix's tokens are not read again", async () => {
  const model = positionModels[1]![1]();
  const prefix = readPrefix({ model, tokens: Int32Array.of(4, 1, 6) });
  let read = 0;
  const counted = {
    ...{ maxSeqLen: model.maxSeqLen, vocabSize: model.vocabSize, createCache: () => model.createCache() },
    forward(...[tokens, options]: Parameters<typeof model.forward>) {
      read += tokens.shape[1]!;
      return model.forward(tokens, options);
    },
  };
  await all({ model: counted, prompts: [Int32Array.of(4, 1, 6, 2, 5)], maxNewTokens: 1, prefix });
  expect(read).toBe(2);
});

test("a full context goes on with its second half, also in a batch of unequal prompts", async () => {
  const model = positionModels[0]![1]();
  const { tokens } = await all({ model, prompts, maxNewTokens: 20 });
  expect(tokens.map((row) => row.length)).toEqual([20, 20, 20]);
  // The longest row decides when the context is full; it gets what it would get alone.
  expect(tokens[0]).toEqual((await all({ model, prompts: [prompts[0]!], maxNewTokens: 20 })).tokens[0]);
});

test("prefixes that do not fit are named", async () => {
  const model = positionModels[0]![1]();
  expect(() => readPrefix({ model, tokens: Int32Array.of() })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: readPrefix: tokens has 0 tokens, expected 1..11 (the model's context less one)]`,
  );
  expect(() => readPrefix({ model, tokens: Int32Array.of(1, 7) })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: readPrefix: tokens has token 7, expected ids in 0..6]`,
  );
  const prefix = readPrefix({ model, tokens: Int32Array.of(1, 2) });
  const go = (...prompt: number[]) => all({ model, prompts: [Int32Array.from(prompt)], maxNewTokens: 1, prefix });
  await expect(go(1, 2)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: generate: prompts[0] does not go on from prefix, expected its 2 tokens and at least one more, got 2 tokens]`,
  );
  await expect(go(1, 3, 2)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: generate: prompts[0] does not go on from prefix, expected its 2 tokens and at least one more, got 3 tokens]`,
  );
});
