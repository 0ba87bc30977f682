import { createConvolution, normalInit, zerosInit } from "@heed/nn";
import { dataSync, fromArray, referenceBackend, reshape, rng, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { createConvolutionalStem, createPatchEmbedding, cutPatches, PatchEmbedding } from "../src/index.ts";
import { difference, randomImages } from "./image-values.ts";

useBackend(referenceBackend());

test("cuts patches in reading order, rows of a patch one after the other", () => {
  const image = fromArray(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 2, 4, 1]);
  expect([...dataSync(cutPatches(image, 2))]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
});

test("is the convolution of its weight whose windows do not overlap", () => {
  const sizes = { dIn: 3, dOut: 5, size: [4, 4], stride: 4 } as const;
  const init = { weight: normalInit({ std: 1, rng: rng(1) }), bias: normalInit({ std: 1, rng: rng(2) }) };
  const convolution = createConvolution({ ...sizes, ...init });
  const embedding = new PatchEmbedding(convolution.weight, convolution.bias);
  const images = randomImages([2, 8, 12, 3]);
  expect(difference(embedding.forward(images), reshape(convolution.forward(images), [2, 6, 5]))).toBeLessThan(1e-5);
});

test("embeds patches that are cut already", () => {
  const embedding = createPatchEmbedding({
    ...{ patchSize: 2, numChannels: 3, dModel: 4 },
    weight: normalInit({ std: 1, rng: rng(1) }),
    bias: normalInit({ std: 1, rng: rng(2) }),
  });
  const images = randomImages([2, 4, 4, 3]);
  expect(difference(embedding.embed(cutPatches(images, 2)), embedding.forward(images))).toBe(0);
});

test("the stem gives one vector for each square of pixels, which sees its neighbours too", () => {
  const weight = normalInit({ std: 0.5, rng: rng(1) });
  const stem = createConvolutionalStem({ patchSize: 4, numChannels: 1, dModel: 8, weight });
  expect(stem.convolutions.map(({ weight: { shape } }) => shape)).toEqual([
    [4, 1, 3, 3],
    [8, 4, 3, 3],
  ]);
  const images = randomImages([1, 8, 8, 1]);
  const [pixels, far] = [Float32Array.from(dataSync(images)), Float32Array.from(dataSync(images))];
  pixels[4] = 9; // first row, fifth column: in the second square, beside the first
  far[63] = 9; // the last pixel
  const [before, after, last] = [images, ...[pixels, far].map((values) => fromArray(values, [1, 8, 8, 1]))].map((x) =>
    dataSync(stem.forward(x!)),
  );
  expect(before!.length).toBe(4 * 8);
  const first = (values: ArrayLike<number>) => Array.from(values).slice(0, 8);
  expect(first(after!)).toEqual(first(before!)); // padding 1 and stride 2 twice: three pixels to the left and above
  expect(first(last!)).toEqual(first(before!));
  expect(Array.from(after!).slice(8, 16)).not.toEqual(Array.from(before!).slice(8, 16));
  pixels[4] = dataSync(images)[4]!;
  pixels[3] = 9; // the last column of the first square is seen by the second
  const near = dataSync(stem.forward(fromArray(pixels, [1, 8, 8, 1])));
  expect(Array.from(near).slice(8, 16)).not.toEqual(Array.from(before!).slice(8, 16));
});

test("names what does not fit", () => {
  const weight = zerosInit();
  expect(() => cutPatches(zeros([1, 6, 8, 3]), 4)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: cutPatches: images has shape [1, 6, 8, 3], expected rows and columns that are multiples of 4 (patchSize). Crop or resize them]`,
  );
  expect(() => new PatchEmbedding(zeros([4, 3, 2, 3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: PatchEmbedding: weight has P=3 in shape [4, 3, 2, 3], expected P=2 (from weight [4, 3, 2, 3])]`,
  );
  const embedding = createPatchEmbedding({ patchSize: 2, numChannels: 3, dModel: 4, weight });
  expect(() => embedding.forward(zeros([1, 4, 4, 1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: PatchEmbedding: patches has shape [1, 4, 4], expected [B, N, 12] (from weight [4, 3, 2, 2]: patches of 2 x 2 pixels with 3 channels)]`,
  );
  expect(() => embedding.forward(tensor([[1, 2]]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: cutPatches: images has rank 2 in shape [1, 2], expected 4 axes [B, rows, columns, C]]`,
  );
  expect(() =>
    createConvolutionalStem({ patchSize: 6, numChannels: 1, dModel: 8, weight }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createConvolutionalStem: patchSize is out of range, expected a power of two from 2, got 6. Each convolution halves the image]`,
  );
});
