import { KeyValueCache } from "@heed/attention";
import { transformer } from "@heed/models";
import { createWasmBackend, dataSync, fromArray, rng, scope, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  beamSearch,
  type CausalModel,
  type ContinuationOptions,
  forbiddenSequences,
  forbiddenTokens,
  forcedFirstToken,
  forcedLastToken,
  type GenerateOptions,
  generate,
  type LogitsProcessor,
  minLength,
  minNewTokens,
  noRepeatNgram,
  sample,
  sequenceBias,
} from "../src/index.ts";
import { positionModels } from "./positions-models.ts";

beforeEach(() => void useBackend(createWasmBackend({ threads: 1 })!));

const [V, end, most] = [4, 3, 4];

/** Logits after each token. */
const table = [
  [0.31, 1.73, -0.42, 0.87],
  [1.29, 0.11, 0.95, 1.41],
  [0.57, 1.83, 0.22, 0.69],
  [0.13, 0.71, 1.17, 0.49],
];

/** A model that looks at the last token only. */
const bigrams: CausalModel = {
  ...{ maxSeqLen: 40, vocabSize: V, createCache: () => new KeyValueCache({ numLayers: 1, maxSeqLen: 40 }) },
  forward(tokens) {
    const [B, T] = tokens.shape as [number, number];
    const last = [...dataSync(tokens)].filter((_, i) => i % T === T - 1);
    return fromArray(Float32Array.from(last.flatMap((token) => table[token]!)), [B, 1, V]);
  },
};

const logProbOf = (token: number, after: number): number =>
  table[after]![token]! - Math.log(table[after]!.reduce((sum, logit) => sum + Math.exp(logit), 0));

/** A processor, and what it means for texts: said of whole texts, not of the next token. */
interface Rule {
  readonly processor: LogitsProcessor;
  /** asked for every beginning of what was made */
  allows(made: readonly number[], prompt: readonly number[]): boolean;
  /** the log probability that the last token made gets; default that of the model */
  score?(logProb: number, made: readonly number[], prompt: readonly number[]): number;
}

const windows = (tokens: readonly number[], n: number): string[] =>
  tokens.slice(n - 1).map((_, i) => tokens.slice(i, i + n).join());

const endsWith = (tokens: readonly number[], sequence: readonly number[]): boolean =>
  tokens.slice(-sequence.length).join() === sequence.join();

const unique = (n: number) => (made: readonly number[], prompt: readonly number[]) =>
  new Set(windows([...prompt, ...made], n)).size === windows([...prompt, ...made], n).length;

const rules: Readonly<Record<string, Rule>> = {
  "no token twice": { processor: noRepeatNgram(1), allows: unique(1) },
  "no bigram twice": { processor: noRepeatNgram(2), allows: unique(2) },
  "no trigram twice": { processor: noRepeatNgram(3), allows: unique(3) },
  "3 new tokens": {
    processor: minNewTokens(3),
    allows: (made) => made.at(-1) !== end || made.length > 3,
  },
  "4 tokens": {
    processor: minLength(4),
    allows: (made, prompt) => made.at(-1) !== end || prompt.length + made.length > 4,
  },
  "forbidden sequences": {
    processor: forbiddenSequences([[0], [2, 1], [1, 2, 3]]),
    allows: (made, prompt) => [[0], [2, 1], [1, 2, 3]].every((bad) => !endsWith([...prompt, ...made], bad)),
  },
  "forbidden tokens": {
    processor: forbiddenTokens([1, end]),
    allows: (made) => !made.some((id) => id === 1 || id === end),
  },
  "a forbidden beginning": {
    processor: forbiddenTokens([2, end], { at: 0 }),
    allows: ([id]) => id !== 2 && id !== end,
  },
  "a forbidden third token": { processor: forbiddenTokens([1], { at: 2 }), allows: (made) => made[2] !== 1 },
  "a forced end": {
    processor: forcedLastToken([end]),
    allows: (made) => made.length < most || made.at(-1) === end,
    score: (logProb, made) => (made.length === most ? 0 : logProb),
  },
  "biased sequences": {
    processor: sequenceBias([
      { tokens: [0], bias: -1.1 },
      { tokens: [2, 0], bias: 2.3 },
      { tokens: [1, 2, 1], bias: 1.9 },
    ]),
    allows: () => true,
    score: (logProb, made, prompt) => {
      const ends = (...sequence: number[]) => Number(endsWith([...prompt, ...made], sequence));
      return logProb - 1.1 * ends(0) + 2.3 * ends(2, 0) + 1.9 * ends(1, 2, 1);
    },
  },
};

const prompt = [0, 1, 2];
const request = { model: bigrams, prompts: [Int32Array.from(prompt)], maxNewTokens: most, stopTokens: [end] } as const;

interface Scored {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** Scores of texts; those of two with the same bigrams tie, so their order says nothing. */
const byText = (found: readonly Scored[]): Record<string, number> =>
  Object.fromEntries(found.map(({ tokens, score }) => [tokens.join(), score]));

const close = (scores: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(scores).map(([text, score]) => [text, expect.closeTo(score, 5) as number]));

/** Every text that a rule allows. */
function everything({ allows, score = (logProb) => logProb }: Rule, start: readonly number[] = prompt): Scored[] {
  const found: Scored[] = [];
  const visit = (made: number[], sum: number): void => {
    if (made.length > 0 && !allows(made, start)) return;
    if (made.length === most || made.at(-1) === end) return void found.push({ tokens: made, score: sum / made.length });
    for (let token = 0; token < V; token++) {
      const longer = [...made, token];
      visit(longer, sum + score(logProbOf(token, made.at(-1) ?? start.at(-1)!), longer, start));
    }
  };
  visit([], 0);
  return found;
}

/** Each time the best token that a rule allows. */
function greedily({ allows, score = (logProb) => logProb }: Rule): number[] {
  const made: number[] = [];
  while (made.length < most && made.at(-1) !== end) {
    const allowed = [0, 1, 2, 3].filter((token) => allows([...made, token], prompt));
    const scoreOf = (token: number) => score(logProbOf(token, made.at(-1) ?? 2), [...made, token], prompt);
    made.push(allowed.reduce((best, token) => (scoreOf(token) > scoreOf(best) ? token : best)));
  }
  return made;
}

async function made(options: GenerateOptions): Promise<number[][]> {
  const rows: number[][] = options.prompts.map(() => []);
  for await (const { tokens } of generate(options)) tokens.forEach((token, row) => rows[row]!.push(token));
  return rows;
}

// Three tokens have been used of four: one step is all that is left of this rule.
const { "no token twice": once, ...longRules } = rules;

describe.each(Object.entries(longRules))("%s", (_, rule) => {
  const options = { ...request, processors: [rule.processor] };

  test("an exhaustive beam search finds every text that is allowed, and no other, with its score", async () => {
    const [found] = await beamSearch({ ...options, numBeams: V ** most, earlyStopping: "never" });
    const expected = everything(rule);
    expect(expected.length).toBeGreaterThan(3);
    expect(byText(found!)).toEqual(close(byText(expected)));
  });

  test("greedy decoding takes the best that is allowed, draws only what is", async () => {
    expect(await made(options)).toEqual([greedily(rule)]);
    const allowed = new Set(everything(rule).map(({ tokens }) => tokens.join()));
    const draw = rng(7);
    for (let i = 0; i < 60; i++) {
      const [text] = await made({ ...options, sampler: sample({ temperature: 2 }), rng: draw });
      expect(allowed).toContain(text!.join());
    }
  });
});

test("no token twice leaves the only one that is new", async () => {
  const options = { ...request, processors: [once!.processor] };
  expect(everything(once!).map(({ tokens }) => tokens)).toEqual([[end]]);
  expect(await made(options)).toEqual([[end]]);
  expect((await beamSearch({ ...options, numBeams: 2 }))[0]!.map(({ tokens }) => tokens)).toEqual([[end]]);
});

test("every rule changes what is made: none of the checks above is empty", () => {
  const free = everything({ processor: () => undefined, allows: () => true });
  for (const rule of Object.values(rules)) expect(everything(rule)).not.toEqual(free);
});

test("a forced first token follows a start of one token, and no longer prompt", async () => {
  const processors = [forcedFirstToken(0)];
  const start = { ...request, prompts: [Int32Array.of(2)], processors };
  const rule: Rule = {
    processor: processors[0]!,
    allows: ([id]) => id === 0,
    score: (logProb, tokens) => (tokens.length === 1 ? 0 : logProb),
  };
  const expected = everything(rule, [2]);
  const [found] = await beamSearch({ ...start, numBeams: V ** most, earlyStopping: "never" });
  expect(byText(found!)).toEqual(close(byText(expected)));
  expect((await made(start))[0]![0]).toBe(0);
  expect(await made({ ...request, processors })).toEqual(await made(request));
});

test("what a short row begins with a forbidden or biased sequence counts from as many tokens as that has", async () => {
  const first = async (tokens: number[], processor: LogitsProcessor) =>
    (await made({ ...request, prompts: [Int32Array.from(tokens)], maxNewTokens: 1, processors: [processor] }))[0]![0];
  expect(await first([2], () => undefined)).toBe(1);
  expect(await first([2], forbiddenSequences([[2, 1]]))).toBe(1);
  expect(await first([0, 2], forbiddenSequences([[2, 1]]))).not.toBe(1);
  const dislike = sequenceBias([{ tokens: [2, 1], bias: -9 }]);
  expect(await first([2], dislike)).toBe(1);
  expect(await first([0, 2], dislike)).not.toBe(1);
});

test("a hypothesis without a token to go on with is dropped; if all are, it is said", async () => {
  const deadAfter =
    (...dead: number[]): LogitsProcessor =>
    (logits, { tokens, promptLength }) => {
      if (tokens.length > promptLength && dead.includes(tokens.at(-1)!)) logits.fill(-Infinity);
    };
  const rule: Rule = {
    processor: deadAfter(1),
    allows: (tokens) => !tokens.slice(0, -1).includes(1),
  };
  const options = { ...request, processors: [rule.processor] };
  const [found] = await beamSearch({ ...options, numBeams: V ** most, earlyStopping: "never" });
  expect(byText(found!)).toEqual(close(byText(everything(rule))));
  const all = beamSearch({ ...request, stopTokens: [], processors: [deadAfter(0, 1, 2, 3)], numBeams: 2 });
  await expect(all).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: beamSearch: row 0 has no token to go on with after 4 tokens, expected at least one logit above -Infinity. Check the processors, or the weights for NaN]`,
  );
});

const constrained: readonly LogitsProcessor[] = [
  sequenceBias([{ tokens: [2, 3], bias: 1.5 }]),
  noRepeatNgram(2),
  forbiddenSequences([[4], [1, 2]]),
  minNewTokens(4),
  forcedLastToken([6]),
  forbiddenTokens([0], { at: 0 }),
];

describe.each(positionModels)("%s positions", (_, make) => {
  test("prompts of unequal length get what each gets alone", async () => {
    const prompts = [Int32Array.of(4, 1, 6, 2, 3), Int32Array.of(5), Int32Array.of(2, 2, 0)];
    const options = { model: make(), maxNewTokens: 6, stopTokens: [6], processors: constrained };
    const together = await made({ ...options, prompts, paddingId: 6 });
    const searched = await beamSearch({ ...options, prompts, numBeams: 3 });
    for (const [row, prompt] of prompts.entries()) {
      const [alone] = await made({ ...options, prompts: [prompt] });
      expect(together[row]!.slice(0, alone!.length)).toEqual(alone);
      expect(alone!.slice(0, 4)).not.toContain(6);
      expect(alone!.at(-1)).toBe(6);
      const [best] = await beamSearch({ ...options, prompts: [prompt], numBeams: 3 });
      expect(searched[row]!.map(({ tokens }) => tokens)).toEqual(best!.map(({ tokens }) => tokens));
    }
  });
});

test("targets of an encoder-decoder begin, end and go on as asked", async () => {
  const sizes = { vocabSize: 9, maxSeqLen: 16, dModel: 8, dFF: 16, numLayers: 1, numHeads: 2 };
  const model = scope(() => transformer(sizes, rng(0)));
  const source = fromArray(Int32Array.of(3, 5, 1, 8, 8, 2), [2, 3]);
  const decoding = scope(() => model.decoding({ source }));
  const options: ContinuationOptions = {
    ...{ model: decoding, prompts: [Int32Array.of(0), Int32Array.of(0)], maxNewTokens: 7, stopTokens: [7] },
    processors: [noRepeatNgram(2), minNewTokens(5), forcedFirstToken(4), forcedLastToken([7]), forbiddenTokens([8])],
  };
  const searched = await beamSearch({ ...options, numBeams: 3 });
  const texts = [...(await made({ ...options, paddingId: 7 })), ...searched.flat().map(({ tokens }) => tokens)];
  for (const text of texts) {
    expect(text[0]).toBe(4);
    expect(text.indexOf(7)).toBeGreaterThanOrEqual(5);
    expect(text).not.toContain(8);
    expect(unique(2)(text.slice(0, text.indexOf(7) + 1), [0])).toBe(true);
  }
  decoding.dispose();
});

test("constraints that cannot be are named", async () => {
  expect(() => noRepeatNgram(0)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: noRepeatNgram: n is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => minNewTokens(-1)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: minNewTokens: count is out of range, expected a whole number >= 0, got -1]`,
  );
  expect(() => minLength(1.5)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: minLength: count is out of range, expected a whole number >= 0, got 1.5]`,
  );
  expect(() => forbiddenSequences([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forbiddenSequences: sequences is empty, expected at least one. Give a sequence of tokens]`,
  );
  expect(() => forbiddenSequences([[1], []])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forbiddenSequences: sequences[1] is empty, expected at least one token id. Give a token]`,
  );
  expect(() => forbiddenTokens([2, -1])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forbiddenTokens: tokens has token -1, expected whole numbers >= 0]`,
  );
  expect(() => forbiddenTokens([2], { at: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forbiddenTokens: at is out of range, expected a whole number >= 0, got -1]`,
  );
  expect(() => forcedFirstToken(0.5)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forcedFirstToken: token has token 0.5, expected whole numbers >= 0]`,
  );
  expect(() => forcedLastToken([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: forcedLastToken: tokens is empty, expected at least one token id. Give a token]`,
  );
  expect(() => sequenceBias([{ tokens: [1], bias: -Infinity }])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceBias: the bias of sequences[0] is out of range, expected a finite number, got -Infinity. Forbid with forbiddenSequences()]`,
  );
  const twice = { tokens: [1, 2], bias: 1 };
  expect(() => sequenceBias([twice, { tokens: [2], bias: 1 }, twice])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceBias: sequences[2] has the tokens of sequences[0], expected others]`,
  );
  const outside = [
    ...[forbiddenSequences([[1, 4]]), sequenceBias([{ tokens: [4], bias: 1 }]), forbiddenTokens([4], { at: 3 })],
    ...[forcedFirstToken(4), forcedLastToken([4])],
  ];
  for (const processor of outside)
    await expect(made({ ...request, processors: [processor] })).rejects.toThrow(
      /^\w+: token 4 is outside the vocabulary, expected ids in 0\.\.3$/,
    );
});
