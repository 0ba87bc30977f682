import { countBuffers, dataSync, fromArray, rng, scope, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type GenerateOptions, generate, sample } from "../src/index.ts";
import { backends, maxSeqLen, tinyModel, vocabSize } from "./tiny.ts";

async function tokensOf(options: GenerateOptions): Promise<number[][]> {
  const rows: number[][] = options.prompts.map(() => []);
  for await (const { tokens } of generate(options)) tokens.forEach((token, i) => rows[i]!.push(token));
  return rows;
}

const largest = (values: ArrayLike<number>): number => Array.from(values).indexOf(Math.max(...Array.from(values)));

describe.each(backends)("generate on %s", (_, make) => {
  beforeEach(() => void useBackend(make()));

  /** Continues without a cache: the whole sequence is read again for every token. */
  function byHand(prompt: readonly number[], count: number): number[] {
    const model = tinyModel();
    let window = [...prompt];
    const made: number[] = [];
    for (let i = 0; i < count; i++) {
      const next = scope(() => {
        const logits = dataSync(model.forward(fromArray(Int32Array.from(window), [1, window.length])));
        return largest(logits.slice(-vocabSize));
      });
      made.push(next);
      // A full context goes on with its second half, as the documentation says.
      window = window.length === maxSeqLen ? [...window, next].slice(-maxSeqLen / 2) : [...window, next];
    }
    return made;
  }

  test("cached steps give what reading everything again gives, also past a full context", async () => {
    const prompt = [1, 4, 2];
    const got = await tokensOf({ model: tinyModel(), prompts: [Int32Array.from(prompt)], maxNewTokens: 20 });
    expect(got[0]).toEqual(byHand(prompt, 20));
  });

  test("rows of a batch do not see each other", async () => {
    const model = tinyModel();
    const prompts = [Int32Array.of(1, 2, 3), Int32Array.of(6, 0, 6)];
    const together = await tokensOf({ model, prompts, maxNewTokens: 10 });
    const alone = await Promise.all(prompts.map((prompt) => tokensOf({ model, prompts: [prompt], maxNewTokens: 10 })));
    expect(together).toEqual(alone.flat());
  });

  test("leaves no buffer behind, also when it is left early", async () => {
    const model = tinyModel();
    const before = { ...countBuffers() };
    await tokensOf({ model, prompts: [Int32Array.of(1)], maxNewTokens: 12 });
    for await (const _ of generate({ model, prompts: [Int32Array.of(1)], maxNewTokens: 12 })) break;
    expect({ ...countBuffers() }).toEqual(before);
  });
});

describe("generate", () => {
  beforeEach(() => void useBackend(backends[0]![1]()));

  test("a prompt as long as the context still gives a token", async () => {
    const prompt = Int32Array.from({ length: maxSeqLen }, (_, i) => i % vocabSize);
    expect((await tokensOf({ model: tinyModel(), prompts: [prompt], maxNewTokens: 3 }))[0]).toHaveLength(3);
  });

  test("a stop token ends its row, which then repeats it until all have ended", async () => {
    const picks = [
      [1, 2],
      [5, 2],
      [0, 6],
      [3, 3],
    ];
    const rows: number[] = [];
    // A sampler that plays a list: row by row, step by step; an ended row is not asked.
    const queue = [picks[0]![0]!, picks[0]![1]!, picks[1]![0]!, picks[1]![1]!, picks[2]![1]!];
    const sampler = () => queue.shift()!;
    for await (const { tokens } of generate({
      model: tinyModel(),
      prompts: [Int32Array.of(0), Int32Array.of(1)],
      maxNewTokens: 9,
      sampler,
      stopTokens: [5, 6],
    }))
      rows.push(...tokens);
    expect(rows).toEqual([1, 2, 5, 2, 5, 6]);
  });

  test("the same seed gives the same text, another seed another", async () => {
    const model = tinyModel();
    const draw = (seed: number) =>
      tokensOf({ model, prompts: [Int32Array.of(1)], maxNewTokens: 30, sampler: sample(), rng: rng(seed) });
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test("ends when the signal is aborted", async () => {
    const controller = new AbortController();
    let count = 0;
    const options = { model: tinyModel(), prompts: [Int32Array.of(1)], maxNewTokens: 10, signal: controller.signal };
    for await (const _ of generate(options)) if (++count === 4) controller.abort();
    expect(count).toBe(4);
  });

  test("prompts that cannot be continued are named", async () => {
    const model = tinyModel();
    const go = (prompts: Int32Array[], maxNewTokens = 1) => tokensOf({ model, prompts, maxNewTokens });
    await expect(go([])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: prompts is empty, expected at least one prompt with at least one token. Give a prompt]`,
    );
    await expect(go([Int32Array.of(1), Int32Array.of()])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: prompts[1] has no tokens, expected at least one. Give a prompt]`,
    );
    await expect(go([Int32Array.of(1, 7)])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: prompts[0] has token 7, expected ids in 0..6]`,
    );
    await expect(go([new Int32Array(maxSeqLen + 1)])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: prompts[0] has 9 tokens, expected at most 8 (the model's context). Shorten it]`,
    );
    await expect(go([Int32Array.of(1)], Infinity)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: maxNewTokens is out of range, expected a whole number >= 0, got Infinity. Say when to end: a stop token may never come]`,
    );
    await expect(go([Int32Array.of(1)], -1)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generate: maxNewTokens is out of range, expected a whole number >= 0, got -1. Say when to end: a stop token may never come]`,
    );
  });
});
