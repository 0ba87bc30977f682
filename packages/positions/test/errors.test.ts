import { arange, referenceBackend, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  alibi,
  convolutional,
  learned2d,
  linearScaling,
  RelativeKeys,
  relativeBias,
  relativeKeys,
  rotary,
  sinusoidal,
  sinusoidal2d,
  TransformerXlPositions,
  t5Bias,
  transformerXl,
} from "../src/index.ts";

useBackend(referenceBackend());

test("names what does not fit", () => {
  const ids = arange(0, 2);
  expect(() => rotary({ width: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: rotary: width is out of range, expected an even number >= 2, got 3. Channels turn in pairs]`,
  );
  expect(() => rotary().rotate!(zeros([1, 1, 2, 5]), ids)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: rotary: queryOrKey has D=5 in shape [1, 1, 2, 5], expected an even number. Channels turn in pairs]`,
  );
  expect(() => rotary({ base: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: rotary: base is out of range, expected a finite number > 1, got 0]`,
  );
  expect(() => linearScaling({ factor: 0.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: linearScaling: factor is out of range, expected a finite number >= 1, got 0.5]`,
  );
  expect(() => alibi({ numHeads: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: alibi: numHeads is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => alibi({ numHeads: 2, slopes: [1] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: alibi: slopes has 1 numbers, expected 2 (from numHeads)]`,
  );
  expect(() => t5Bias({ numHeads: 1, numBuckets: 0, table: zeros })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: t5Bias: numBuckets is out of range, expected an even number >= 4 (bidirectional), got 0]`,
  );
  expect(() => t5Bias({ numHeads: 1, maxDistance: 8, table: zeros })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: t5Bias: maxDistance is out of range, expected a whole number >= 9, got 8]`,
  );
  expect(() => relativeBias({ maxDistance: -1, numHeads: 1, table: zeros })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: relativeBias: maxDistance is out of range, expected a whole number >= 1, got -1]`,
  );
  expect(() =>
    relativeKeys({ maxDistance: 1, dHead: 4, table: zeros }).contentBias(
      zeros([1, 1, 2, 3]),
      zeros([1, 1, 2, 3]),
      ids,
      ids,
    ),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: RelativeKeys: q has D=3 in shape [1, 1, 2, 3], expected D=4 (from keys [3, 4])]`,
  );
  expect(() => new RelativeKeys(zeros([4, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: RelativeKeys: keys has 4 rows in shape [4, 2], expected an odd number: as many distances before as after, and 0]`,
  );
  expect(
    () =>
      new TransformerXlPositions(
        { distanceKeys: zeros([3, 2]), contentQuery: zeros([2, 2]), distanceQuery: zeros([2, 2]) },
        { maxDistance: 2 },
      ),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: TransformerXlPositions: distanceKeys has 3 rows in shape [3, 2], expected 4 (from 2 heads of D=2)]`,
  );
  expect(() =>
    transformerXl({ maxDistance: 9, dModel: 6, numHeads: 4, dHead: 1, weight: zeros }).contentBias(
      zeros([1, 4, 2, 1]),
      zeros([1, 3, 2, 1]),
      ids,
      ids,
    ),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: TransformerXlPositions: k has G=3 in shape [1, 3, 2, 1], expected a divisor of the 4 query heads]`,
  );
  expect(() => learned2d({ grid: [2, 0], dModel: 2, table: zeros })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: learned2d: grid[1] is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => sinusoidal2d({ grid: [1, 1] }).embed!(zeros([1, 2, 4]), ids)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sinusoidal2d: positions has 1 at index 1, expected 0..0 (from a table of 1 positions). Shorten the sequence or build a longer table]`,
  );
  expect(() => sinusoidal2d({ grid: [2, 2] }).embed!(zeros([1, 2, 6]), ids)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: sinusoidal2d: dModel is 6, expected a multiple of 4: sines and cosines of column and row]`,
  );
  expect(() => convolutional({ dModel: 2, kernelSize: 4, weight: zeros })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ConvolutionalPositions: weight has K=4 in shape [2, 4], expected an odd number: a center and as many neighbours on both sides]`,
  );
  expect(() => sinusoidal().vectors(ids, { dModel: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sinusoidal: dModel is 3, expected an even number. Sines and cosines come in pairs]`,
  );
});
