import { KeyValueCache } from "@heed/attention";
import { transformer } from "@heed/models";
import { countBuffers, createWasmBackend, dataSync, fromArray, rng, scope, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type BeamSearchOptions,
  beamSearch,
  type CausalModel,
  generate,
  readPrefix,
  tokenFilter,
} from "../src/index.ts";
import { positionModels } from "./positions-models.ts";

beforeEach(() => void useBackend(createWasmBackend({ threads: 1 })!));

const makeModel = positionModels[0]![1];
const [V, end] = [7, 6];

interface Scored {
  readonly tokens: number[];
  readonly score: number;
}

/** Every continuation of at most `most` tokens with its score, by a forward pass without a cache for each. */
function everything(prompt: readonly number[], most: number, lengthPenalty: number): Scored[] {
  const model = makeModel();
  const found: Scored[] = [];
  const visit = (made: number[], logProb: number): void => {
    if (made.length === most || made.at(-1) === end) {
      found.push({ tokens: made, score: logProb / made.length ** lengthPenalty });
      return;
    }
    const tokens = Int32Array.of(...prompt, ...made);
    const logits = scope(() => [...dataSync(model.forward(fromArray(tokens, [1, tokens.length])))].slice(-V));
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    logits.forEach((logit, token) => visit([...made, token], logProb + logit - total));
  };
  visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

describe.each([-1, 0, 1, 2])("length penalty %i", (lengthPenalty) => {
  test("with a beam for every hypothesis the search is exhaustive", async () => {
    const prompts = [Int32Array.of(2, 4, 1), Int32Array.of(3)];
    const got = await beamSearch({
      ...{ model: makeModel(), prompts, maxNewTokens: 3, numBeams: V ** 3, lengthPenalty },
      ...{ stopTokens: [end], earlyStopping: "never" },
    });
    for (const [row, prompt] of prompts.entries()) {
      const expected = everything([...prompt], 3, lengthPenalty).slice(0, 5);
      expect(got[row]!.slice(0, 5).map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
      got[row]!.slice(0, 5).forEach(({ score }, i) => expect(score).toBeCloseTo(expected[i]!.score, 5));
    }
  });
});

const search = (options: Partial<BeamSearchOptions> = {}) =>
  beamSearch({ model: makeModel(), prompts: [Int32Array.of(2, 4, 1)], maxNewTokens: 6, numBeams: 3, ...options });

test("one beam is greedy decoding", async () => {
  const greedy: number[] = [];
  for await (const { tokens } of generate({ model: makeModel(), prompts: [Int32Array.of(2, 4, 1)], maxNewTokens: 6 }))
    greedy.push(tokens[0]!);
  expect((await search({ numBeams: 1 }))[0]![0]!.tokens).toEqual(greedy);
});

test("prompts of a batch do not see each other, also when one is done before the other", async () => {
  const prompts = [Int32Array.of(2, 4, 1), Int32Array.of(6), Int32Array.of(5, 5)];
  for (const earlyStopping of [true, false, "never"] as const) {
    const together = await search({ prompts, earlyStopping, stopTokens: [end, 1] });
    for (const [row, prompt] of prompts.entries()) {
      const [alone] = await search({ prompts: [prompt], earlyStopping, stopTokens: [end, 1] });
      expect(together[row]!.map(({ tokens }) => tokens)).toEqual(alone!.map(({ tokens }) => tokens));
      together[row]!.forEach(({ score }, i) => expect(score).toBeCloseTo(alone![i]!.score, 5));
    }
  }
});

test("a prefix changes nothing, a token filter is obeyed, a signal ends the search", async () => {
  const model = makeModel();
  const prefix = readPrefix({ model, tokens: Int32Array.of(2, 4) });
  const [with_, without] = [await search({ model, prefix }), await search()];
  expect(with_[0]!.map(({ tokens }) => tokens)).toEqual(without[0]!.map(({ tokens }) => tokens));
  const filtered = await search({ processors: [tokenFilter(() => [1, 3])] });
  expect(filtered[0]!.flatMap(({ tokens }) => tokens).every((token) => token === 1 || token === 3)).toBe(true);
  const stopped = await search({ signal: { aborted: true } as AbortSignal });
  expect(stopped[0]![0]!.tokens).toEqual([]);
  expect(await search({ maxNewTokens: 0 })).toEqual([[{ tokens: [], score: 0 }]]);
});

test("early stopping decides how long a search hopes for better hypotheses", async () => {
  // Token 0 ends a text and always has probability 0.6, token 1 has 0.4.
  let steps = 0;
  const constant: CausalModel = {
    ...{ maxSeqLen: 9, vocabSize: 2, createCache: () => new KeyValueCache({ numLayers: 1, maxSeqLen: 9 }) },
    forward(tokens) {
      steps++;
      const B = tokens.shape[0]!;
      return fromArray(
        Float32Array.from({ length: 2 * B }, (_, i) => Math.log(i % 2 === 0 ? 0.6 : 0.4)),
        [B, 1, 2],
      );
    },
  };
  const find = async (earlyStopping: boolean | "never", lengthPenalty: number) => {
    steps = 0;
    const [found] = await beamSearch({
      ...{ model: constant, prompts: [Int32Array.of(1)], maxNewTokens: 5, numBeams: 1, stopTokens: [0] },
      ...{ earlyStopping, lengthPenalty },
    });
    return { ...found![0]!, steps };
  };
  const close = (score: number) => expect.closeTo(score, 6) as number;
  expect(await find(true, 3)).toEqual({ tokens: [0], score: close(Math.log(0.6)), steps: 1 });
  // ln 0.4 at the present length 1 is worse than ln 0.6.
  expect(await find(false, 3)).toEqual({ tokens: [0], score: close(Math.log(0.6)), steps: 1 });
  // ln 0.4 / 5^3 would be better: it goes on to the end.
  const longest = (4 * Math.log(0.4) + Math.log(0.6)) / 125;
  expect(await find("never", 3)).toEqual({ tokens: [1, 1, 1, 1, 0], score: close(longest), steps: 5 });
  expect(await find("never", 0)).toEqual({ tokens: [0], score: close(Math.log(0.6)), steps: 1 });
});

test("an encoder-decoder is searched like a decoder, and nothing is left behind", async () => {
  const sizes = { vocabSize: 9, maxSeqLen: 10, dModel: 8, dFF: 16, numLayers: 1, numHeads: 2 };
  const model = scope(() => transformer(sizes, rng(0)));
  const before = { ...countBuffers() };
  const sources = [Int32Array.of(3, 5, 1), Int32Array.of(8, 8, 2)];
  const translate = async (rows: readonly Int32Array[]) => {
    const source = fromArray(Int32Array.from(rows.flatMap((row) => [...row])), [rows.length, 3]);
    const decoding = scope(() => model.decoding({ source }));
    source.dispose();
    const prompts = rows.map(() => Int32Array.of(0));
    const found = await beamSearch({ model: decoding, prompts, maxNewTokens: 5, numBeams: 4, stopTokens: [7] });
    decoding.dispose();
    return found.map((row) => row.map(({ tokens }) => tokens));
  };
  const together = await translate(sources);
  expect(together[0]).toEqual((await translate([sources[0]!]))[0]);
  expect(together[1]).toEqual((await translate([sources[1]!]))[0]);
  expect({ ...countBuffers() }).toEqual(before);
});

test("searches that cannot be made are named", async () => {
  await expect(search({ numBeams: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: beamSearch: numBeams is out of range, expected a whole number >= 1, got 0]`,
  );
  await expect(search({ lengthPenalty: Number.NaN })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: beamSearch: lengthPenalty is out of range, expected a finite number, got NaN]`,
  );
  await expect(search({ earlyStopping: "soon" as "never" })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: beamSearch: earlyStopping is unknown, expected true, false or "never", got "soon"]`,
  );
  await expect(search({ maxNewTokens: 11 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: beamSearch: maxNewTokens is out of range, expected at most 10 after a prompt of 3 tokens (the model's context is 12), got 11. Ask for fewer tokens]`,
  );
  expect((await search({ maxNewTokens: 10 }))[0]![0]!.tokens).toHaveLength(10);
});
