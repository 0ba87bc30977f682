import { parameters, stateDict } from "@heed/nn";
import {
  assign,
  dataSync,
  fromArray,
  gather,
  mean,
  multiply,
  referenceBackend,
  rng,
  subtract,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { cutPatches, type MaeConfig, type MaePresetName, mae, maePresets } from "../src/index.ts";
import { countOf, descend, difference, randomImages } from "./image-values.ts";

useBackend(referenceBackend());

const tiny: MaeConfig = {
  ...{ imageSize: 8, patchSize: 2, numChannels: 1, dModel: 16, numLayers: 1, numHeads: 2, dFF: 24, initStd: 0.2 },
  decoder: { dModel: 8, numLayers: 1, numHeads: 2, dFF: 16 },
};
const int32 = (rows: number[][]) => tensor(rows, { dtype: "int32" });

/** What `requires_grad` leaves in the models of Hugging Face transformers 4.57. */
const published: Record<MaePresetName, number> = { "mae-base-16": 111_655_680, "mae-large-16": 329_239_296 };

test.each(Object.entries(published))("%s has %i parameters", (name, count) => {
  expect(countOf((source) => mae(maePresets[name as MaePresetName], source))).toBe(count);
});

test("rebuilds all patches from the visible ones, in whatever order they come", () => {
  const model = mae(tiny, rng(0));
  const patches = cutPatches(randomImages([1, 8, 8, 1]), 2);
  const read = (places: number[]) =>
    model.forward({
      patches: gather(patches, tensor(places, { dtype: "int32" }), { axis: 1 }),
      visible: int32([places]),
    });
  expect(read([3, 7, 12]).shape).toEqual([1, 16, 4]);
  expect(difference(read([3, 7, 12]), read([12, 3, 7]))).toBeLessThan(1e-5);
  expect(difference(read([3, 7, 12]), read([3, 7, 13]))).toBeGreaterThan(1e-3);
});

test("each image of a batch has its own visible patches", () => {
  const model = mae(tiny, rng(0));
  const patches = cutPatches(randomImages([2, 8, 8, 1]), 2);
  const values = Array.from(dataSync(patches));
  const pick = (b: number, places: number[]) => places.flatMap((n) => values.slice(64 * b + 4 * n, 64 * b + 4 * n + 4));
  const [first, second] = [
    [0, 5],
    [9, 2],
  ] as const;
  const both = model.forward({
    patches: fromArray(Float32Array.from([...pick(0, [...first]), ...pick(1, [...second])]), [2, 2, 4]),
    visible: int32([[...first], [...second]]),
  });
  const alone = model.forward({
    patches: fromArray(Float32Array.from(pick(1, [...second])), [1, 2, 4]),
    visible: int32([[...second]]),
  });
  expect(difference(gather(both, tensor([1], { dtype: "int32" }), { axis: 0 }), alone)).toBeLessThan(1e-6);
});

test("hidden patches differ by their positions alone; visible ones stand where they belong", () => {
  const model = mae({ ...tiny, decoder: { ...tiny.decoder!, dModel: 8 } }, rng(0));
  // Without blocks and norm the decoder's input can be seen in its output.
  const { decoder } = model;
  const states = randomImages([1, 3, 16]);
  const projected = decoder!.project.forward(states);
  const inputs: number[][] = [];
  const bare = Object.assign(Object.create(Object.getPrototypeOf(decoder!)), decoder!, {
    blocks: [],
    norm: { forward: (x: typeof states) => x },
    predict: { forward: (x: typeof states) => x },
  });
  const seen = Array.from(dataSync(bare.forward(states, int32([[5, 2]]))) as Float32Array);
  const table = Array.from(dataSync(decoder!.position.table));
  for (let n = 0; n < 16; n++)
    inputs.push(seen.slice(8 * n, 8 * n + 8).map((value, e) => value - table[8 * (n + 1) + e]!));
  const rows = Array.from(dataSync(projected));
  const token = Array.from(dataSync(decoder!.maskToken));
  inputs.forEach((row, n) => {
    const expected = n === 5 ? rows.slice(8, 16) : n === 2 ? rows.slice(16, 24) : token;
    row.forEach((value, e) => void expect(value).toBeCloseTo(expected[e]!, 5));
  });
});

test("positions are fixed: saved, not learned", () => {
  const model = mae(tiny, rng(0));
  const learned = parameters(model);
  for (const name of ["vision.position.table", "decoder.position.table"]) {
    const table = stateDict(model).get(name)!;
    expect(learned).not.toContain(table);
    // He et al. 2022, appendix: the first patch is at 0, so its sines are 0 and its cosines 1.
    const [E, row] = [table.shape[1]!, Array.from(dataSync(table)).slice(table.shape[1]!, 2 * table.shape[1]!)];
    expect(row).toEqual(Array.from({ length: E }, (_, i) => Math.floor(i / (E / 4)) % 2));
  }
});

test("learns to rebuild", () => {
  const model = mae(tiny, rng(0));
  const patches = cutPatches(randomImages([2, 8, 8, 1]), 2);
  const visible = int32([
    [0, 3, 9, 14],
    [0, 3, 9, 14],
  ]);
  const read = gather(patches, tensor([0, 3, 9, 14], { dtype: "int32" }), { axis: 1 });
  const losses = descend(
    () => {
      const error = subtract(model.forward({ patches: read, visible }), patches);
      return mean(multiply(error, error));
    },
    parameters(model),
    { steps: 40, learningRate: 0.2, assign: (weight, by) => assign(weight, subtract(weight, by)) },
  );
  expect(losses.at(-1)).toBeLessThan(0.3 * losses[0]!);
});

test("other sizes: both tables are interpolated and stay fixed", () => {
  const model = mae(tiny, rng(0)).resized([8, 12]);
  expect(model.forward({ patches: zeros([1, 2, 4]), visible: int32([[0, 23]]) }).shape).toEqual([1, 24, 4]);
  expect(model.decoder!.position.trainable).toBe(false);
});

test("names what is wrong", () => {
  const model = mae(tiny, null);
  const visible = int32([[0, 1]]);
  expect(() => model.forward({ patches: zeros([1, 2, 5]), visible })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: PatchEmbedding: patches has shape [1, 2, 5], expected [B, N, 4] (from weight [16, 1, 2, 2]: patches of 2 x 2 pixels with 1 channels)]`,
  );
  expect(() => model.forward({ patches: zeros([1, 3, 4]), visible })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: MaskedAutoencoder: visible has M=2 in shape [1, 2], expected M=3 (from patches [1, 3, 4])]`,
  );
  expect(() =>
    model.forward({ patches: zeros([1, 2, 4]), visible: int32([[0, 16]]) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: MaskedAutoencoder: visible has patch 16, expected places in 0..15 (from 16 patches)]`,
  );
  expect(() =>
    model.forward({
      patches: zeros([2, 2, 4]),
      visible: int32([
        [3, 1],
        [3, 3],
      ]),
    }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: MaskedAutoencoder: visible has patch 3 twice, expected each patch once in an image]`,
  );
  expect(() => model.forward({ patches: zeros([1, 2, 4]), visible: zeros([1, 2]) })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: MaskedAutoencoder: visible has dtype float32, expected int32. Use cast]`,
  );
  expect(() =>
    mae({ ...tiny, decoder: null }, null).forward({ patches: zeros([1, 2, 4]), visible }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MaskedAutoencoder: decoder is missing, expected one to rebuild patches, got an encoder alone. Call encode, or build the model with a decoder]`,
  );
  expect(() => mae({ ...tiny, dModel: 18 }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: mae: dModel does not fit, expected a multiple of 4 for positions, got 18]`,
  );
  expect(() => mae({ ...tiny, maskRate: 1 }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: mae: maskRate is out of range, expected a probability in [0, 1), got 1]`,
  );
  expect(() => mae({ ...tiny, decoder: { ...tiny.decoder!, numHeads: 3 } }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: mae: decoder: numHeads does not divide the width, expected a divisor of dModel=8, got 3]`,
  );
});
