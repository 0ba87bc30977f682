import { dataSync, fromArray, item, referenceBackend, rng, type Tensor, useBackend, zeros } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { maskedAutoencoding, maskedImageModeling, nextPixel } from "../src/index.ts";
import { type Opinion, objectiveContract, tokenTraits } from "../src/testing.ts";

useBackend(referenceBackend());

const [numPatches, dPatch] = [16, 3];
/** Values that differ, so that a hidden one that can be read stands out. */
const image = (seed: number): Float32Array => {
  const draw = rng(seed);
  return Float32Array.from({ length: numPatches * dPatch }, (_, i) => i + 1 + draw.next() / 2);
};
interface Rebuilt {
  readonly targets: Float32Array;
  readonly lossWeights: Float32Array;
}
const predictions = ({ targets }: Rebuilt, opinion: Opinion): Tensor => {
  const values = Float64Array.from(targets, (value) => ({ uniform: 0, perfect: value, wrong: value + 5 })[opinion]);
  return fromArray(values, [1, numPatches, dPatch]);
};
/** Mean over the values of counted patches, in place of ln V: what a model errs that says 0. */
const meanOver = ({ targets, lossWeights }: Rebuilt, size: (value: number) => number): number => {
  const counted = [...targets].filter((_, i) => lossWeights[Math.floor(i / dPatch)]);
  return counted.reduce((sum, value) => sum + size(value), 0) / counted.length;
};
const common = { source: image, output: predictions, lossRateDeviation: 0, weights: (e: Rebuilt) => e.lossWeights };
const hiddenValues = (values: Float32Array, { lossWeights }: Rebuilt): number[] =>
  [...values].filter((_, i) => lossWeights[Math.floor(i / dPatch)]);
const named = (found: number | undefined): string | undefined =>
  found === undefined ? undefined : `the value ${found}`;

describe("maskedAutoencoding", () => {
  const make = () => maskedAutoencoding({ numPatches, dPatch });
  type Prepared = ReturnType<ReturnType<typeof make>["prepare"]>;
  const traits = {
    ...common,
    uniformLoss: (example: Prepared) => meanOver(example, (value) => value * value),
    reweigh: (example: Prepared, lossWeights: Float32Array) => ({ ...example, lossWeights }),
    lossRate: 12 / 16,
    visibleTarget: (seed: number, prepare: (source: Float32Array) => Prepared) => {
      const values = image(seed);
      const example = prepare(values);
      return named(hiddenValues(values, example).find((value) => example.patches.includes(value)));
    },
  };
  for (const { name, run } of objectiveContract(make, traits)) test(name, run);

  test("the contract catches an encoder that reads hidden patches", () => {
    const right = maskedAutoencoding({ numPatches, dPatch, normalizeTargets: false });
    const broken: typeof right = {
      ...right,
      prepare: (source, draw) => ({ ...right.prepare(source, draw), patches: source }),
    };
    const leak = objectiveContract(() => broken, traits).find(({ name }) => name.startsWith("no target"));
    expect(leak!.run).toThrow(/the value [\d.]+ can be read in the input/);
  });

  test("reads whole patches in order, with their places", () => {
    const values = image(1);
    const { patches, visible, lossWeights } = make().prepare(values, rng(3));
    expect([...visible]).toEqual([...visible].sort((a, b) => a - b));
    expect([...patches]).toEqual([...visible].flatMap((place) => [...values.slice(3 * place, 3 * place + 3)]));
    expect([...visible].map((place) => lossWeights[place])).toEqual([0, 0, 0, 0]);
  });

  test("targets have mean 0 and variance 1 in each patch, or are the values", () => {
    const { targets } = make().prepare(image(1), rng(3));
    for (let at = 0; at < targets.length; at += 3) {
      const [a, b, c] = targets.slice(at, at + 3) as unknown as [number, number, number];
      expect(a + b + c).toBeCloseTo(0, 5);
      expect((a * a + b * b + c * c) / 2).toBeCloseTo(1, 4);
    }
    const plain = maskedAutoencoding({ numPatches, dPatch, normalizeTargets: false });
    expect([...plain.prepare(image(1), rng(3)).targets]).toEqual([...image(1)]);
  });
});

describe("maskedImageModeling", () => {
  const make = () => maskedImageModeling({ numRows: 4, numColumns: 4, dPatch, maskRate: 0.5, blockSize: 2 });
  const contract = objectiveContract(make, {
    ...common,
    uniformLoss: (example) => meanOver(example, Math.abs),
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate: 0.5,
    visibleTarget: (seed, prepare) => {
      const values = image(seed);
      const example = prepare(values);
      return named(hiddenValues(values, example).find((value) => example.patches.includes(value)));
    },
  });
  for (const { name, run } of contract) test(name, run);

  test("hides squares of patches together", () => {
    const { masked } = make().prepare(image(1), rng(2));
    const block = (row: number, column: number) => [0, 1, 4, 5].map((i) => masked[4 * row + column + i]);
    const blocks = [block(0, 0), block(0, 2), block(2, 0), block(2, 2)];
    expect(blocks.every((values) => new Set(values).size === 1)).toBe(true);
    expect(blocks.filter(([value]) => value === 1)).toHaveLength(2);
  });
});

describe("nextPixel", () => {
  const make = () => nextPixel({ startId: 16 });
  const traits = tokenTraits({
    length: 12,
    vocabSize: 16,
    numClasses: 17,
    lossRate: 1,
    readableInputs: ({ inputs }, t) => [...inputs.slice(0, t + 1)],
  });
  for (const { name, run } of objectiveContract(make, traits)) test(name, run);

  test("the first pixel is told from the start id", () => {
    const { inputs, targets } = make().prepare(Int32Array.of(5, 6, 7), rng(0));
    expect([[...inputs], [...targets]]).toEqual([
      [16, 5, 6],
      [5, 6, 7],
    ]);
  });
});

test("the loss is a mean over hidden patches only", () => {
  const example = { patches: new Float32Array(0), visible: new Int32Array(0), targets: Float32Array.of(1, 3, 9, 9) };
  const said = fromArray(Float64Array.of(0, 0, 0, 0), [1, 2, 2]);
  const mae = maskedAutoencoding({ numPatches: 2, dPatch: 2, maskRate: 0.5 });
  expect(item(mae.loss(said, { ...example, lossWeights: Float32Array.of(1, 0) }))).toBe(5);
  const simmim = maskedImageModeling({ numRows: 1, numColumns: 2, dPatch: 2, maskRate: 0.5 });
  expect(item(simmim.loss(said, { ...example, masked: Int32Array.of(1, 0), lossWeights: Float32Array.of(1, 0) }))).toBe(
    2,
  );
  expect(dataSync(said)).toHaveLength(4);
});

test("names what does not fit", () => {
  const sizes = { numPatches: 4, dPatch: 2 };
  expect(() => maskedAutoencoding({ ...sizes, maskRate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedAutoencoding: maskRate is out of range, expected a number in (0, 1), got 1]`,
  );
  expect(() => maskedAutoencoding({ ...sizes, maskRate: 0.9 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedAutoencoding: maskRate leaves nothing to read, expected one that keeps at least 1 of 4 patches, got 0.9. Lower it]`,
  );
  expect(() => maskedAutoencoding({ ...sizes, maskRate: 1e-17 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedAutoencoding: maskRate leaves nothing to predict, expected one that hides at least 1 of 4 patches, got 1e-17. Raise it]`,
  );
  expect(() => maskedAutoencoding({ ...sizes, dPatch: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedAutoencoding: dPatch is out of range, expected a whole number >= 1, got 0]`,
  );
  const mae = maskedAutoencoding(sizes);
  expect(() => mae.prepare(new Float32Array(7), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedAutoencoding: patches has 7 values, expected 8 (4 patches of 2)]`,
  );
  const example = mae.prepare(new Float32Array(8), rng(0));
  expect(() => mae.loss(zeros([2, 4, 2]), example)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: maskedAutoencoding: example has 8 targets, expected 16 (from output [2, 4, 2]). Stack as many examples as the batch has rows]`,
  );
  const grid = { numRows: 2, numColumns: 2, dPatch: 1 };
  expect(() => maskedImageModeling({ ...grid, blockSize: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedImageModeling: blockSize is wrong, expected a divisor of 2 rows and 2 columns, got 3]`,
  );
  expect(() => maskedImageModeling({ ...grid, blockSize: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedImageModeling: maskRate leaves nothing to read, expected one that keeps at least 1 of 1 blocks, got 0.6. Lower it or blockSize]`,
  );
  expect(() => maskedImageModeling({ ...grid, maskRate: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: maskedImageModeling: maskRate is out of range, expected a number in (0, 1), got 0]`,
  );
  expect(() => nextPixel({ startId: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextPixel: startId is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => nextPixel({ startId: 4 }).prepare(Int32Array.of(), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextPixel: colors is empty, expected at least one pixel, got none]`,
  );
  expect(() => nextPixel({ startId: 4 }).prepare(Int32Array.of(1, 4), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextPixel: colors has an id out of range, expected 0..3, got 4]`,
  );
});

test.each([
  [10, 0.8, 2],
  [10, 0.9, 1],
  [20, 0.85, 3],
  [196, 0.75, 49],
  [7, 0.5, 3],
])("of %d patches at rate %d, %d stay: products are not rounded the wrong way", (count, maskRate, stay) => {
  const values = new Float32Array(count);
  const auto = maskedAutoencoding({ numPatches: count, dPatch: 1, maskRate }).prepare(values, rng(0));
  expect(auto.visible).toHaveLength(stay);
  const sizes = { numRows: 1, numColumns: count, dPatch: 1 };
  const { masked } = maskedImageModeling({ ...sizes, maskRate }).prepare(values, rng(0));
  expect(masked.filter((hidden) => hidden === 0)).toHaveLength(stay);
});

test("100 patches at rate 0.55: 55 are hidden", () => {
  const objective = maskedImageModeling({ numRows: 10, numColumns: 10, dPatch: 1, maskRate: 0.55 });
  expect(objective.prepare(new Float32Array(100), rng(0)).masked.filter(Boolean)).toHaveLength(55);
});
