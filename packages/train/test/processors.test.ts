import { createReferenceBackend, createWasmBackend, rng, useBackend } from "@heed/tensor";
import { afterEach, expect, test } from "vitest";
import {
  type GeneratedRow,
  generate,
  type LogitsProcessor,
  minP,
  repetitionPenalty,
  sample,
  stopStrings,
  temperature,
  tokenFilter,
  topK,
  topP,
} from "../src/index.ts";
import { tinyModel } from "./tiny.ts";

afterEach(() => void useBackend(createReferenceBackend()));

const row: GeneratedRow = { index: 2, tokens: [3, 1, 3], promptLength: 1, maxNewTokens: 5, stopTokens: [0] };

function after(processor: LogitsProcessor, ...logits: number[]): number[] {
  const values = Float32Array.from(logits);
  processor(values, row);
  return [...values];
}

const none = -Infinity;

test("each processor changes logits as its paper says", () => {
  expect(after(temperature(2), 4, -1, 0)).toEqual([2, -0.5, 0]);
  expect(after(topK(2), 1, 3, 3, 3)).toEqual([none, 3, 3, none]);
  expect(after(topK(9), 1, 3)).toEqual([1, 3]);
  // Shares 1/7, 4/7, 2/7.
  expect(after(topP(0.57), 0, Math.log(4), Math.log(2))).toEqual([none, Math.fround(Math.log(4)), none]);
  expect(after(topP(0.58), 0, Math.log(4), Math.log(2))[0]).toBe(none);
  expect(after(topP(0.86), 0, Math.log(4), Math.log(2))[0]).toBe(0);
  expect(after(minP(0.3), 0, Math.log(4), Math.log(2)).map(Number.isFinite)).toEqual([false, true, true]);
  // Tokens 1 and 3 are in the row, once or twice.
  expect(after(repetitionPenalty(2), 1, 4, 1, -4)).toEqual([1, 2, 1, -8]);
  expect(
    after(
      tokenFilter(({ index }) => [index, 0]),
      5,
      6,
      7,
      8,
    ),
  ).toEqual([5, none, 7, none]);
});

test("processors that cannot be made, or leave nothing, are named", async () => {
  expect(() => minP(2)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: minP: p is out of range, expected a number in [0, 1], got 2]`,
  );
  expect(() => repetitionPenalty(0)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: repetitionPenalty: penalty is out of range, expected a finite number > 0, got 0. 1 changes nothing]`,
  );
  expect(() =>
    after(
      tokenFilter(() => [4]),
      1,
      2,
    ),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tokenFilter: allowed gave token 4 for row 2, expected ids in 0..1]`,
  );
  expect(() =>
    after(
      tokenFilter(() => []),
      1,
      2,
    ),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tokenFilter: allowed gave no token for row 2 after 3 tokens, expected at least one. Allow a stop token where the text may end]`,
  );
  expect(() => stopStrings([], String)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: stopStrings: strings has none, expected at least one, none of them empty, got []]`,
  );
  expect(() => stopStrings(["a", ""], String)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: stopStrings: strings has an empty one, expected at least one, none of them empty, got ["a",""]]`,
  );
  const forbid: LogitsProcessor = (logits) => void logits.fill(-Infinity);
  const steps = generate({ model: tinyModel(), prompts: [Int32Array.of(1)], maxNewTokens: 1, processors: [forbid] });
  await expect(steps.next()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: generate: row 0 has no token to go on with after 1 tokens, expected at least one logit above -Infinity. Check the processors, or the weights for NaN]`,
  );
});

test("processors of generate see their row and leave the reported logits alone", async () => {
  const seen: GeneratedRow[] = [];
  const onlyThree = tokenFilter((of) => {
    seen.push({ ...of, tokens: [...of.tokens] });
    return [3];
  });
  const prompts = [Int32Array.of(1, 2), Int32Array.of(5)];
  const steps = generate({ model: tinyModel(), prompts, maxNewTokens: 2, stopTokens: [6], processors: [onlyThree] });
  for await (const { tokens, logits } of steps) {
    expect([...tokens]).toEqual([3, 3]);
    expect(logits.flatMap((values) => [...values]).every(Number.isFinite)).toBe(true);
  }
  const same = { maxNewTokens: 2, stopTokens: [6] };
  expect(seen).toEqual([
    { index: 0, tokens: [1, 2], promptLength: 2, ...same },
    { index: 1, tokens: [5], promptLength: 1, ...same },
    { index: 0, tokens: [1, 2, 3], promptLength: 2, ...same },
    { index: 1, tokens: [5, 3], promptLength: 1, ...same },
  ]);
});

test("a stop string ends its row, text of the prompt does not count, and padding fills up", async () => {
  const queue = [1, 2, 3, 1, 2, 4];
  const decode = (tokens: number[]) => tokens.join("");
  const made: number[][] = [];
  const steps = generate({
    ...{ model: tinyModel(), prompts: [Int32Array.of(1, 3), Int32Array.of(0)], maxNewTokens: 5, paddingId: 6 },
    ...{ sampler: () => queue.shift()!, stopWhen: stopStrings(["13", "24"], decode) },
  });
  for await (const { tokens } of steps) made.push([...tokens]);
  expect(made).toEqual([
    [1, 2],
    [3, 1],
    [6, 2],
    [6, 4],
  ]);
});

test("the same seed gives the same text on every backend, and the same bits on any number of threads", async () => {
  const texts: number[][] = [];
  const bits: Float32Array[][] = [];
  const backends = [createReferenceBackend(), createWasmBackend({ threads: 1 })!, createWasmBackend({ threads: 2 })!];
  for (const backend of backends) {
    useBackend(backend);
    const sampler = sample({ temperature: 0.9, topK: 6, topP: 0.95, minP: 0.01 });
    const processors = [repetitionPenalty(1.1)];
    const [text, logits]: [number[], Float32Array[]] = [[], []];
    const prompts = [Int32Array.of(1, 2), Int32Array.of(3)];
    const steps = generate({ model: tinyModel(), prompts, maxNewTokens: 40, sampler, processors, rng: rng(5) });
    for await (const step of steps) {
      text.push(...step.tokens);
      logits.push(...step.logits);
    }
    texts.push(text);
    bits.push(logits);
  }
  expect(new Set(texts[0]).size).toBeGreaterThan(3);
  expect(texts[1]).toEqual(texts[0]);
  expect(texts[2]).toEqual(texts[0]);
  expect(bits[2]).toEqual(bits[1]);
});
