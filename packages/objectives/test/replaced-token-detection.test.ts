import { fromArray, item, referenceBackend, rng, tensor, useBackend, zeros } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { replacedTokenDetection } from "../src/index.ts";
import { classLogits, objectiveContract, tokenTraits } from "../src/testing.ts";

useBackend(referenceBackend());

const ids = (...values: number[]) => Int32Array.of(...values);
const distinct = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => 5 + i);
const options = { vocabSize: 64, maskId: 4, specialIds: [0, 1, 2, 3] };
const length = 20;
const tokens = { length, vocabSize: 64, firstToken: 5 };

describe("replacedTokenDetection", () => {
  const make = () => replacedTokenDetection(options);
  const contract = objectiveContract(make, {
    source: (seed) => tokenTraits({ ...tokens, lossRate: 1, readableInputs: () => [] }).source(seed),
    output: ({ targets, replaced }, opinion) => ({
      generator: classLogits(targets, 64, opinion),
      discriminator: fromArray(
        Float64Array.from(replaced, (label) => (2 * label - 1) * { uniform: 0, perfect: 1000, wrong: -10 }[opinion]),
        [1, replaced.length],
      ),
    }),
    uniformLoss: () => Math.log(64) + 50 * Math.LN2,
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights, discriminatorWeights: lossWeights }),
    lossRate: 3 / length,
    lossRateDeviation: 0,
    visibleTarget: (_, prepare) => {
      const { inputs, targets, lossWeights } = prepare(distinct(length));
      const seen = lossWeights.findIndex((weight, t) => weight > 0 && inputs.includes(targets[t]!));
      return seen < 0 ? undefined : `the target of place ${seen}`;
    },
  });
  for (const { name, run } of contract) test(name, run);

  test("replaces by what the generator says; a token drawn as it was counts as original", () => {
    const example = make().prepare(distinct(length), rng(1));
    const picked = [...example.lossWeights.keys()].filter((place) => example.lossWeights[place]);
    const sure = (id: (place: number) => number) =>
      Float32Array.from({ length: length * 64 }, (_, i) => (i % 64 === id(Math.floor(i / 64)) ? 50 : 0));
    const right = make().replace(
      example,
      sure((place) => example.targets[place]!),
      rng(2),
    );
    expect([...right.replaced].every((label) => label === 0)).toBe(true);
    expect([...right.discriminatorInputs]).toEqual([...distinct(length)]);
    const other = make().replace(
      example,
      sure(() => 60),
      rng(2),
    );
    expect([...other.replaced.keys()].filter((place) => other.replaced[place])).toEqual(picked);
    expect(picked.map((place) => other.discriminatorInputs[place])).toEqual(picked.map(() => 60));
  });

  test("draws by the softmax of the logits, within 3 sigma", () => {
    const objective = replacedTokenDetection({ vocabSize: 3, maskId: 2 });
    const example = objective.prepare(ids(0), rng(0));
    const draw = rng(7);
    let drawn = 0;
    for (let i = 0; i < 2000; i++)
      drawn += objective.replace(example, [0, Math.log(3), -Infinity], draw).discriminatorInputs[0]!;
    expect(Math.abs(drawn / 2000 - 0.75)).toBeLessThan(3 * Math.sqrt((0.75 * 0.25) / 2000));
  });

  test("the discriminator's loss is the mean over tokens that are not special, 50 times", () => {
    const example = {
      ...make().prepare(ids(1, 7, 8), rng(0)),
      lossWeights: new Float32Array(3),
      replaced: ids(0, 1, 0),
    };
    const discriminator = tensor([[9, Math.log(3), 0]], { dtype: "float64" });
    const generator = zeros([1, 3, 64], { dtype: "float64" });
    const expected = (50 * (-Math.log(3 / 4) + Math.LN2)) / 2;
    expect(item(make().loss({ generator, discriminator }, example))).toBeCloseTo(expected, 10);
  });
});

test("names what does not fit", () => {
  const objective = replacedTokenDetection({ vocabSize: 20, maskId: 4 });
  const example = objective.prepare(distinct(10), rng(0));
  expect(() => objective.replace(example, new Float32Array(203), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: replacedTokenDetection: generatorLogits has 203 values, expected 200 (10 places of vocabSize=20)]`,
  );
  const nothing = new Float32Array(200).fill(Number.NaN);
  expect(() => objective.replace(example, nothing, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: replacedTokenDetection: generatorLogits has no finite maximum at place 2, expected numbers below Infinity, one of them finite, got NaN. The generator has diverged]`,
  );
  expect(() => replacedTokenDetection({ ...options, discriminatorWeight: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: replacedTokenDetection: discriminatorWeight is out of range, expected a finite number >= 0, got -1]`,
  );
});
