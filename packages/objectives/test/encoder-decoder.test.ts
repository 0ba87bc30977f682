import { item, multiply, referenceBackend, rng, tensor, useBackend } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  corruptSpans,
  type EncoderDecoderExample,
  seq2seq,
  shiftRight,
  spanCorruption,
  spanCorruptionLengths,
  type TextPair,
} from "../src/index.ts";
import { classLogits, type Opinion, objectiveContract } from "../src/testing.ts";

useBackend(referenceBackend());

const ids = (...values: number[]) => Int32Array.of(...values);
const tokensOf = (seed: number, length: number): Int32Array => {
  const draw = rng(seed);
  return Int32Array.from({ length }, () => 3 + draw.nextInteger(29));
};
/** Tokens that are all different, so that a target that can be read stands out. */
const distinct = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => 3 + i);

interface Decoded {
  readonly inputs: Int32Array;
  readonly decoderInputs: Int32Array;
  readonly targets: Int32Array;
  readonly lossWeights: Float32Array;
}
const decoded = (V: number) => ({
  output: ({ targets }: Decoded, opinion: Opinion) => classLogits(targets, V, opinion),
  uniformLoss: () => Math.log(V),
  weights: ({ lossWeights }: Decoded) => lossWeights,
});
/** The first token (3 and more are none of the special ids) that can be read where it is to be predicted. */
function firstVisible(
  { inputs, decoderInputs, targets, lossWeights }: Decoded,
  isSpecial: (id: number) => boolean,
  readsInputs: boolean,
) {
  const at = targets.findIndex((id, t) => {
    if (isSpecial(id) || lossWeights[t] === 0) return false;
    return decoderInputs.slice(0, t + 1).includes(id) || (readsInputs && inputs.includes(id));
  });
  return at < 0 ? undefined : `the target of place ${at}`;
}

describe("spanCorruption", () => {
  const make = () => spanCorruption({ vocabSize: 64, numSentinels: 32, maskRate: 0.3, meanSpan: 2 });
  const contract = objectiveContract(make, {
    ...decoded(64),
    source: (seed) => tokensOf(seed, 20),
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate: 1,
    visibleTarget: (_, prepare) => firstVisible(prepare(distinct(20)), (id) => id < 3 || id >= 32, true),
  });
  for (const { name, run } of contract) test(name, run);

  test("hides exactly the tokens and spans that the rates say, every time", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { inputs, targets } = make().prepare(tokensOf(seed, 20), rng(seed));
      expect([inputs.length, targets.length]).toEqual([14 + 3 + 1, 6 + 3 + 1]);
    }
    const length = 37;
    const { numTokens, targetLength } = spanCorruptionLengths({ inputLength: length });
    const objective = spanCorruption({ vocabSize: 1000 });
    expect(objective.tokensFor(length)).toBe(numTokens);
    const example = objective.prepare(tokensOf(1, numTokens), rng(1));
    expect([example.inputs.length, example.targets.length]).toEqual([length, targetLength]);
  });

  test.each([
    [0.15, 3],
    [0.5, 3],
    [0.3, 2],
    [0.15, 1],
    [0.25, 10],
  ])("at rate %d with spans of %d, tokensFor fills rows of every length", (maskRate, meanSpan) => {
    const objective = spanCorruption({ vocabSize: 5000, numSentinels: 1000, maskRate, meanSpan });
    const lengths = Array.from({ length: 200 }, (_, i) => i + 12);
    const filled = lengths.map((T) => objective.prepare(distinct(objective.tokensFor(T)), rng(T)).inputs.length);
    expect(filled).toEqual(lengths);
  });

  test("inputs and targets complete each other", () => {
    const tokens = tokensOf(8, 20);
    const { inputs, targets } = make().prepare(tokens, rng(8));
    const spansOf = (row: Int32Array): Map<number, number[]> => {
      const spans = new Map<number, number[]>([[64, []]]);
      let sentinel = 64;
      for (const id of row.slice(0, -1)) {
        if (id < 32) spans.get(sentinel)!.push(id);
        else spans.set((sentinel = id), []);
      }
      return spans;
    };
    const [kept, hidden] = [spansOf(inputs), spansOf(targets)];
    // A row begins kept: the span kept before sentinel k, then the one that sentinel k hides.
    const joined = [63, 62, 61].flatMap((sentinel) => [...kept.get(sentinel + 1)!, ...hidden.get(sentinel)!]);
    expect(joined).toEqual([...tokens]);
  });

  test("hides each place about as often, but the first, which is always kept, and the last, always hidden", () => {
    const counts = new Array<number>(20).fill(0);
    for (let seed = 0; seed < 400; seed++) {
      const { inputs } = make().prepare(distinct(20), rng(seed));
      for (let place = 0; place < 20; place++) counts[place]! += Number(!inputs.includes(3 + place));
    }
    expect([counts[0], counts[19]]).toEqual([0, 400]);
    expect(Math.min(...counts.slice(3, 17))).toBeGreaterThan(60);
  });
});

describe("seq2seq", () => {
  const layout = { sourceLength: 8, targetLength: 6, startId: 1, endId: 2, paddingId: 0 };
  const make = () => seq2seq(layout);
  const pair = (seed: number) => ({ source: tokensOf(seed, 5), target: tokensOf(seed + 1, 4) });
  const traits = {
    ...decoded(32),
    source: pair,
    reweigh: (example: EncoderDecoderExample, lossWeights: Float32Array) => ({ ...example, lossWeights }),
    lossRate: 5 / 6,
    lossRateDeviation: 0,
    visibleTarget: (_: number, prepare: (source: TextPair) => EncoderDecoderExample) =>
      firstVisible(prepare({ source: distinct(5), target: distinct(9).slice(5) }), (id) => id < 3, true),
  };
  for (const { name, run } of objectiveContract(make, traits)) test(name, run);

  // The best that smoothing allows is its own distribution, which costs its entropy.
  const [label, other] = [0.9 + 0.1 / 32, 0.1 / 32];
  const smoothed = objectiveContract(() => seq2seq({ ...layout, labelSmoothing: 0.1 }), {
    ...traits,
    perfectLoss: () => -label * Math.log(label) - 31 * other * Math.log(other),
    output: ({ targets }, opinion) =>
      opinion === "perfect"
        ? multiply(classLogits(targets, 32, "perfect"), Math.log(label / other) / 1000)
        : classLogits(targets, 32, opinion),
  });
  for (const { name, run } of smoothed) test(`with smoothing: ${name}`, run);

  test("the contract catches a decoder that reads its targets unshifted", () => {
    const right = make();
    const broken: typeof right = {
      ...right,
      prepare: (source, draw) => {
        const example = right.prepare(source, draw);
        return { ...example, decoderInputs: example.targets };
      },
    };
    const leak = objectiveContract(() => broken, traits).find(({ name }) => name.startsWith("no target"));
    expect(leak!.run).toThrow("the target of place 0 can be read in the input");
  });

  test("the decoder reads the targets one place later", () => {
    const { inputs, keep, decoderInputs, targets, lossWeights } = make().prepare(
      { source: ids(7, 8), target: ids(9) },
      rng(0),
    );
    expect([[...inputs], [...keep]]).toEqual([
      [7, 8, 2, 0, 0, 0, 0, 0],
      [1, 1, 1, 0, 0, 0, 0, 0],
    ]);
    expect([[...decoderInputs], [...targets], [...lossWeights]]).toEqual([
      [1, 9, 2, 0, 0, 0],
      [9, 2, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0],
    ]);
  });

  test("smoothing: (1 - s) of -log p of the target, s of the mean over all classes", () => {
    const objective = seq2seq({ ...layout, targetLength: 2, labelSmoothing: 0.2 });
    const example = { ...objective.prepare({ source: ids(7), target: ids(1) }, rng(0)), targets: ids(1, 0) };
    const logits = tensor(
      [
        [
          [0, Math.log(3)],
          [0, 0],
        ],
      ],
      { dtype: "float64" },
    );
    const first = -0.8 * Math.log(3 / 4) - 0.1 * (Math.log(3 / 4) + Math.log(1 / 4));
    expect(item(objective.loss(logits, example))).toBeCloseTo((first + Math.LN2) / 2, 12);
  });
});

test("names what does not fit", () => {
  const span = { vocabSize: 64, numSentinels: 32 };
  expect(() => spanCorruption({ ...span, maskRate: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: maskRate is out of range, expected a number in (0, 1), got 0]`,
  );
  expect(() => spanCorruption({ ...span, meanSpan: 0.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: meanSpan is out of range, expected a finite number >= 1, got 0.5]`,
  );
  expect(() => spanCorruption({ vocabSize: 64 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: numSentinels is out of range, expected a whole number in 1..63 (below vocabSize), got 100]`,
  );
  const spans = spanCorruption({ ...span, maskRate: 0.9, meanSpan: 1 });
  expect(() => spans.prepare(ids(5), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: tokens has length 1, expected at least 2, one to read and one to predict]`,
  );
  expect(() => spans.prepare(distinct(20), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: 18 of 20 tokens would be hidden in 18 spans, expected at most 2 (kept tokens to part them, sentinels to name them). Lower maskRate or raise meanSpan]`,
  );
  expect(() => spanCorruption(span).prepare(ids(5, 6), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: meanSpan is longer than the sequence, expected at most 2 (from tokens), got 3. Give longer sequences or a shorter mean]`,
  );
  expect(() => spans.prepare(ids(5, 40), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: tokens has the sentinel 40, expected ids below 32 (vocabSize - numSentinels)]`,
  );
  expect(() => spanCorruption(span).tokensFor(2)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruption: T is out of range, expected a whole number in 3..16777216 (one token, one sentinel, end id), got 2]`,
  );
  const pair = { sourceLength: 4, targetLength: 4, startId: 1, endId: 2, paddingId: 0 };
  expect(() => seq2seq({ ...pair, sourceLength: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: seq2seq: sourceLength is out of range, expected a whole number >= 2 (one token, end id), got NaN]`,
  );
  expect(() => seq2seq({ ...pair, targetLength: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: seq2seq: targetLength is out of range, expected a whole number >= 2 (one token, end id), got 1]`,
  );
  expect(() => spanCorruptionLengths({ inputLength: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: spanCorruptionLengths: inputLength is out of range, expected a whole number in 2..16777216, got 1]`,
  );
  expect(() => corruptSpans(ids(1, 2), ids(1), { vocabSize: 9, endId: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: corruptSpans: hidden has length 1, expected 2 (from tokens)]`,
  );
  expect(() => shiftRight(ids(), { startId: 1, paddingId: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: shiftRight: targets is empty, expected at least one, got none. There is nothing to predict]`,
  );
  const layout = { sourceLength: 3, targetLength: 3, startId: 1, endId: 2, paddingId: 0 };
  expect(() => seq2seq({ ...layout, labelSmoothing: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: seq2seq: labelSmoothing is out of range, expected a number in [0, 1), got 1]`,
  );
  const texts = seq2seq(layout);
  expect(() => texts.prepare({ source: ids(), target: ids(5) }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: seq2seq: source is empty, expected at least one token, got none]`,
  );
  expect(() => texts.prepare({ source: ids(5), target: ids(5, 6, 7) }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: seq2seq: target has 3 tokens, expected at most 2, the end id taking one of 3 places. Shorten it or give a greater length]`,
  );
});
