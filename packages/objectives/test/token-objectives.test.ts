import type { Mask } from "@heed/attention";
import {
  arange,
  dataSync,
  fromArray,
  gather,
  item,
  normal,
  referenceBackend,
  reshape,
  rng,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  bidirectionalLM,
  countedPlaces,
  type MaskedLMOptions,
  maskedLM,
  permutationLM,
  prefixLM,
  stackExamples,
  wordPieces,
} from "../src/index.ts";
import { classLogits, objectiveContract, tokenTraits } from "../src/testing.ts";

useBackend(referenceBackend());

const ids = (...values: number[]) => Int32Array.of(...values);
const distinct = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => 5 + i);
const options = { vocabSize: 64, maskId: 4, specialIds: [0, 1, 2, 3] };
const length = 20;
const tokens = { length, vocabSize: 64, firstToken: 5 };

/** The ids that row t of the first sequence sees by a mask. */
function seenBy(mask: Mask, inputs: Int32Array, t: number): number[] {
  const places = arange(0, inputs.length);
  const seen = mask(places, places);
  const row = dataSync(seen).slice(t * inputs.length, (t + 1) * inputs.length);
  return [...inputs].filter((_, key) => row[key]);
}

describe("maskedLM", () => {
  const rate = { ...tokens, lossRate: 3 / length, lossRateDeviation: 0 };
  const kept = { impossible: "a tenth of the targets stay as they are, as in the paper" };
  const asPublished = objectiveContract(() => maskedLM(options), tokenTraits({ ...rate, readableInputs: kept }));
  for (const { name, run } of asPublished) test(name, run);
  const allHidden = objectiveContract(
    () => maskedLM({ ...options, replace: { mask: 1, random: 0 } }),
    tokenTraits({ ...rate, readableInputs: ({ inputs }) => [...inputs] }),
  );
  for (const { name, run } of allHidden) test(`where all are hidden: ${name}`, run);

  test("80 % are hidden, 10 % replaced, 10 % stay, within 3 sigma; special ids are never picked nor drawn", () => {
    const found = { hidden: 0, random: 0, same: 0 };
    const long = Int32Array.from({ length: 400 }, (_, i) => (i % 10 === 0 ? i % 4 : 5 + (i % 50)));
    for (let seed = 0; seed < 40; seed++) {
      const { inputs, targets, lossWeights } = maskedLM(options).prepare(long, rng(seed));
      expect(inputs).toHaveLength(400);
      inputs.forEach((id, place) => {
        if (lossWeights[place] === 0) expect(id).toBe(long[place]);
        else {
          expect(targets[place]).toBe(long[place]);
          expect(long[place]).toBeGreaterThan(4);
          expect(id).toBeGreaterThan(3);
          if (id === 4) found.hidden++;
          else if (id === long[place]) found.same++;
          else found.random++;
        }
      });
    }
    const count = 40 * 54; // round(360 * 0.15) each
    expect(found.hidden + found.random + found.same).toBe(count);
    const within = (actual: number, share: number): void =>
      expect(Math.abs(actual / count - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / count));
    within(found.hidden, 0.8);
    within(found.random, 0.1 * (58 / 59)); // one of 59 drawn is the same by chance
    within(found.same, 0.1 + 0.1 / 59);
  });

  test("the contract catches tokens that are not hidden, and a rate that is not the announced one", () => {
    const traits = tokenTraits({ ...rate, readableInputs: ({ inputs }) => [...inputs] });
    const run = (beginning: string, broken: Partial<MaskedLMOptions>) =>
      objectiveContract(() => maskedLM({ ...options, ...broken }), traits).find(({ name }) =>
        name.startsWith(beginning),
      )!.run;
    expect(run("no target", { replace: { mask: 0, random: 0 } })).toThrow("can be read in the input");
    expect(run("as many", { maskRate: 0.2 })).toThrow("1600 of 8000 places count, expected a share of 0.15");
  });

  test("logits of the places that count alone give the same loss and the same gradients", () => {
    const objective = maskedLM(options);
    const batch = stackExamples([3, 7].map((seed) => objective.prepare(distinct(length), rng(seed))));
    const lossWeights = batch.lossWeights.map((weight, place) => weight * (1 + (place % 3)));
    const example = { ...batch, lossWeights };
    const places = countedPlaces(lossWeights);
    expect([...places].every((place) => lossWeights[place] !== 0)).toBe(true);
    expect(places).toHaveLength(6);
    const all = normal([2, length, 64], { rng: rng(1), dtype: "float64" });
    const some = (): Tensor => gather(reshape(all, [2 * length, 64]), fromArray(places, [6]));
    const whole = valueAndGradients(() => objective.loss(all, example), [all]);
    const part = valueAndGradients(() => objective.loss(some(), example), [all]);
    expect(item(part.value)).toBeCloseTo(item(whole.value), 12);
    const [expected, found] = [dataSync(whole.gradients[0]), dataSync(part.gradients[0])];
    expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-12);
    expect(expected.some((value) => value !== 0)).toBe(true);
    expect(() => objective.loss(zeros([5, 64]), example)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: maskedLM: logits has shape [5, 64], expected 6 rows (from the places of the example that count) or [B, T, V]. countedPlaces lists them]`,
    );
  });

  test("another seed picks other places: masking is dynamic", () => {
    const picked = [1, 2, 3].map((seed) => maskedLM(options).prepare(distinct(length), rng(seed)).lossWeights.join());
    expect(new Set(picked).size).toBe(3);
  });

  test("whole words are hidden together", () => {
    const words = wordPieces((id) => id >= 40);
    expect(words(ids(7, 60, 61, 8, 41))).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    const objective = maskedLM({ ...options, maskRate: 0.4, words });
    const text = ids(1, 7, 60, 61, 8, 41, 9, 10, 42, 2);
    for (let seed = 0; seed < 40; seed++) {
      const { lossWeights } = objective.prepare(text, rng(seed));
      const picked = [[1, 2, 3], [4, 5], [6], [7, 8]].map((word) => new Set(word.map((place) => lossWeights[place])));
      expect(picked.every(({ size }) => size === 1)).toBe(true);
      expect([lossWeights[0], lossWeights[9]]).toEqual([0, 0]);
      const count = lossWeights.reduce((sum, weight) => sum + weight, 0);
      expect(count).toBeGreaterThanOrEqual(1);
      expect(count).toBeLessThanOrEqual(3);
    }
  });
});

describe("prefixLM", () => {
  const traits = tokenTraits({
    ...tokens,
    length: length + 1,
    lossRate: (length + 1) / 2 / length,
    lossRateDeviation: Math.sqrt((length ** 2 - 1) / 12) / length,
    readableInputs: (example: ReturnType<ReturnType<typeof prefixLM>["prepare"]>, t) =>
      seenBy(prefixLM().maskFor!(example), example.inputs, t),
  });
  for (const { name, run } of objectiveContract(() => prefixLM(), traits)) test(name, run);

  test("the prefix sees all of itself, the rest what came before, each row by its own prefix", () => {
    const objective = prefixLM();
    const row = { inputs: ids(5, 6, 7), targets: ids(6, 7, 8), lossWeights: Float32Array.of(1, 1, 1) };
    const batch = stackExamples([
      { ...row, prefixLens: ids(2) },
      { ...row, prefixLens: ids(1) },
    ]);
    const places = arange(0, 3);
    const seen = objective.maskFor!(batch)(places, places);
    expect(seen.shape).toEqual([2, 1, 3, 3]);
    expect(dataSync(seen).join("")).toBe("110110111" + "100110111");
    expect(objective.prepare(ids(5, 6), rng(0))).toEqual({
      inputs: ids(5),
      targets: ids(6),
      lossWeights: Float32Array.of(1),
      prefixLens: ids(1),
    });
  });
});

describe("bidirectionalLM", () => {
  const make = () => bidirectionalLM();
  type Prepared = ReturnType<ReturnType<typeof make>["prepare"]>;
  const contract = objectiveContract(make, {
    source: (seed) => tokenTraits({ ...tokens, lossRate: 1, readableInputs: () => [] }).source(seed),
    output: ({ nextTokens, previousTokens }, opinion) => ({
      forward: classLogits(nextTokens, 64, opinion),
      backward: classLogits(previousTokens, 64, opinion),
    }),
    uniformLoss: () => Math.log(64),
    weights: ({ nextWeights }) => nextWeights,
    reweigh: (example, weights) => ({ ...example, nextWeights: weights, previousWeights: weights }),
    lossRate: 19 / 20,
    lossRateDeviation: 0,
    visibleTarget: (_, prepare) => {
      const example: Prepared = prepare(distinct(length));
      const { mask, backwardMask } = make();
      const sees = (seen: Mask, targets: Int32Array, weights: Float32Array): number =>
        weights.findIndex((weight, t) => weight > 0 && seenBy(seen, example.inputs, t).includes(targets[t]!));
      const ahead = sees(mask, example.nextTokens, example.nextWeights);
      const back = sees(backwardMask, example.previousTokens, example.previousWeights);
      return ahead < 0 && back < 0 ? undefined : `the target of place ${Math.max(ahead, back)}`;
    },
  });
  for (const { name, run } of contract) test(name, run);

  test("neighbors on both sides; the ends have one only", () => {
    const example = make().prepare(ids(5, 6, 7), rng(0));
    expect([...example.nextTokens].slice(0, 2)).toEqual([6, 7]);
    expect([...example.previousTokens].slice(1)).toEqual([5, 6]);
    expect([[...example.nextWeights], [...example.previousWeights]]).toEqual([
      [1, 1, 0],
      [0, 1, 1],
    ]);
    const places = arange(0, 3);
    expect(dataSync(make().backwardMask(places, places)).join("")).toBe("111011001");
  });
});

describe("permutationLM", () => {
  const make = () => permutationLM();
  type Prepared = ReturnType<ReturnType<typeof make>["prepare"]>;
  const traits = tokenTraits({
    ...tokens,
    lossRate: 3 / length,
    lossRateDeviation: 0,
    readableInputs: (example: Prepared, t) => seenBy(make().queryMaskFor(example), example.inputs, t),
  });
  for (const { name, run } of objectiveContract(make, traits)) test(name, run);

  test("the contract catches a query stream that sees its own content", () => {
    const seesItself = tokenTraits({
      ...tokens,
      lossRate: 3 / length,
      readableInputs: (example: Prepared, t) => seenBy(make().maskFor!(example), example.inputs, t),
    });
    const leak = objectiveContract(make, seesItself).find(({ name }) => name.startsWith("no target"));
    expect(leak!.run).toThrow("can be read in the input");
  });

  test("turns are an order; the last are predicted; the content stream sees itself, the query stream does not", () => {
    const example = make().prepare(distinct(12), rng(3));
    expect([...example.turns].sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
    expect([...example.lossWeights]).toEqual([...example.turns].map((turn) => Number(turn >= 10)));
    const rows = { ...example, turns: ids(2, 0, 1) };
    const places = arange(0, 3);
    expect(dataSync(make().maskFor!(rows)(places, places)).join("")).toBe("111010011");
    expect(dataSync(make().queryMaskFor(rows)(places, places)).join("")).toBe("011000010");
  });
});

test("names what does not fit", () => {
  expect(() => maskedLM({ ...options, maskRate: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedLM: maskRate is out of range, expected a number in (0, 1), got 1.5]`,
  );
  expect(() => maskedLM({ ...options, replace: { mask: 0.9, random: 0.2 } })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedLM: replace is out of range, expected mask and random >= 0 with a sum of at most 1, got 0.9 and 0.2]`,
  );
  expect(() => maskedLM({ vocabSize: 2, maskId: 1, specialIds: [0] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedLM: specialIds leaves no token, expected fewer than vocabSize=2, got 2]`,
  );
  expect(() =>
    maskedLM({ ...options, words: () => [[0, 2]] }).prepare(ids(7, 8), rng(0)),
  ).toThrowErrorMatchingInlineSnapshot(`[RangeError: maskedLM: words has a place out of range, expected 0..1, got 2]`);
  expect(() => maskedLM(options).prepare(ids(1, 2), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedLM: tokens has nothing left to predict, expected at least one id that is not special, got 2 tokens. Leave it out]`,
  );
  expect(() => prefixLM().prepare(ids(1), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: prefixLM: tokens has length 1, expected at least 2, one to read and one to predict]`,
  );
  expect(() => bidirectionalLM().prepare(ids(1), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bidirectionalLM: tokens has length 1, expected at least 2, one to read and one to predict]`,
  );
  expect(() => permutationLM({ targetRate: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: permutationLM: targetRate is out of range, expected a number in (0, 1), got 0]`,
  );
  expect(() => permutationLM().prepare(ids(1), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: permutationLM: tokens has length 1, expected at least 2, one to read and one to predict]`,
  );
  const order = permutationLM().prepare(ids(5, 6), rng(0));
  const rows = tensor([[0, 1]], { dtype: "int32" });
  expect(() => permutationLM().maskFor!(order)(rows, rows)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: permutationLM: positions has a batch axis, expected the places [T] of all rows. Leave out padding]`,
  );
});
