import { rng } from "@heed/tensor";
import { expect, test } from "vitest";
import { imageToPatches, paletteOf, patchesToImage, trainPalette } from "../src/index.ts";

const grid = { height: 4, width: 6, numChannels: 2, patchSize: 2 };
const pixels = Float32Array.from({ length: 48 }, (_, i) => i);

test("patch n holds the pixels of its square, row by row, channels last", () => {
  const patches = imageToPatches(pixels, grid);
  for (let n = 0; n < 6; n++)
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 2; x++)
        for (let c = 0; c < 2; c++) {
          const [row, column] = [2 * Math.floor(n / 3) + y, 2 * (n % 3) + x];
          expect(patches[n * 8 + y * 4 + x * 2 + c]).toBe(pixels[(row * 6 + column) * 2 + c]);
        }
  expect([...patchesToImage(patches, grid)]).toEqual([...pixels]);
});

/** Pixels around four colors, 0.05 away at most. */
const centers = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 1, 1],
  [1, 1, 1],
];
const noisy = (seed: number): Float32Array => {
  const draw = rng(seed);
  return Float32Array.from(
    { length: 3 * 200 },
    (_, i) => centers[Math.floor(i / 3) % 4]![i % 3]! + (draw.next() - 0.5) / 10,
  );
};
const errorOf = (values: Float32Array, rounds: number): number => {
  const palette = trainPalette(values, { numColors: 3, seed: 4, maxRounds: rounds });
  const near = palette.decode(palette.encode(values));
  return near.reduce((sum, value, i) => sum + (value - values[i]!) ** 2, 0);
};

test("k-means finds colors that lie apart, as the means of their pixels", () => {
  for (let seed = 0; seed < 5; seed++) {
    const values = noisy(seed);
    const palette = trainPalette(values, { numColors: 4, seed });
    const ids = palette.encode(values);
    const groups = [0, 1, 2, 3].map((group) => new Set([...ids].filter((_, i) => i % 4 === group)));
    expect(groups.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
    expect(new Set(ids).size).toBe(4);
    for (const [group, found] of groups.entries())
      for (let c = 0; c < 3; c++) {
        const own = [...values].filter((_, i) => Math.floor(i / 3) % 4 === group && i % 3 === c);
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
        expect(palette.colors[[...found][0]! * 3 + c]).toBeCloseTo(mean, 5);
      }
  }
});

test("the squared error does not grow from round to round", () => {
  const draw = rng(9);
  const values = Float32Array.from({ length: 900 }, () => draw.next());
  const errors = [1, 2, 3, 5, 10, 50].map((rounds) => errorOf(values, rounds));
  for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThanOrEqual(errors[i - 1]! + 1e-6);
  expect(errors.at(-1)).toBeLessThan(errors[0]!);
});

test("the same seed gives the same colors; no more than the pixels have", () => {
  const values = noisy(1);
  expect(trainPalette(values, { numColors: 4, seed: 7 }).colors).toEqual(
    trainPalette(values, { numColors: 4, seed: 7 }).colors,
  );
  const few = trainPalette(Float32Array.of(1, 2, 1, 2, 2), { numColors: 5, numChannels: 1, seed: 0 });
  expect([...few.colors].sort()).toEqual([1, 2]);
  expect([...few.decode(few.encode(Float32Array.of(1.4, 1.6, 9)))]).toEqual([1, 2, 2]);
});

test("names what does not fit", () => {
  expect(() => imageToPatches(pixels, { ...grid, patchSize: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: imageToPatches: patchSize does not divide the image, expected a divisor of 4 and 6, got 4. Crop or resize it]`,
  );
  expect(() => imageToPatches(pixels, { ...grid, numChannels: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: imageToPatches: pixels has 48 values, expected 72 (4 x 6 pixels of 3)]`,
  );
  expect(() => patchesToImage(pixels, { ...grid, patchSize: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: patchesToImage: patchSize is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => trainPalette(pixels, { numColors: 0, seed: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: trainPalette: numColors is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => trainPalette(Float32Array.of(), { numColors: 2, seed: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: trainPalette: pixels has 0 values, expected a multiple of 3 (numChannels) above 0]`,
  );
  expect(() =>
    trainPalette(Float32Array.of(1, Number.NaN, 2), { numColors: 2, seed: 0 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: trainPalette: pixels[1] is wrong, expected a finite number, got NaN]`,
  );
  expect(() => paletteOf(Float32Array.of())).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: paletteOf: colors is empty, expected at least one color, got none]`,
  );
  const gray = paletteOf(Float32Array.of(0, 1), { numChannels: 1 });
  expect(() => gray.decode(Int32Array.of(2))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: paletteOf: ids has an id that is no color's, expected 0..1, got 2]`,
  );
  expect(() => paletteOf(pixels).encode(Float32Array.of(1))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: paletteOf: pixels has 1 values, expected a multiple of 3 (numChannels)]`,
  );
});
