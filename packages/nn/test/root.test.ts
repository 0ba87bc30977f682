import { createReferenceBackend, dataSync, fromArray, sum, valueAndGradients, withBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { DeviationNorm, Embedding, InputEmbedding, ScaleNorm } from "../src/index.ts";

const gradientOf = (
  norm: { forward(x: ReturnType<typeof fromArray>): ReturnType<typeof fromArray> },
  rows: number[][],
) => {
  const x = fromArray(rows.flat(), [rows.length, rows[0]!.length]);
  const { value, gradients } = valueAndGradients(() => sum(norm.forward(x)), { x });
  return [...dataSync(value), ...dataSync(gradients.x)];
};

test("a row of zeros, or of equal values, gives finite values and gradients", () => {
  withBackend(createReferenceBackend(), () => {
    const scale = new ScaleNorm(fromArray([1], [1]));
    const deviation = new DeviationNorm(fromArray([1, 2], [2]), fromArray([0, 0.5], [2]));
    for (const rows of [
      [[0, 0]],
      [[3, 3]],
      [
        [0, 0],
        [1, 2],
      ],
    ]) {
      expect(gradientOf(scale, rows).every(Number.isFinite)).toBe(true);
      expect(gradientOf(deviation, rows).every(Number.isFinite)).toBe(true);
    }
  });
});

test("one value has no deviation", () => {
  const one = fromArray([1], [1]);
  expect(() => new DeviationNorm(one, one)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: DeviationNorm: gain has shape [1], expected at least 2 values: one has no deviation]`,
  );
});

test("segments: 0 where none are given, an error without a table", () => {
  const table = (values: number[]) => new Embedding(fromArray(values, [2, 1]));
  const tokens = fromArray(Int32Array.of(0, 1), [1, 2]);
  const positions = fromArray(Int32Array.of(0, 1), [2]);
  const embedding = new InputEmbedding({ tokens: table([1, 2]), segments: table([10, 20]) });
  expect([...dataSync(embedding.forward(tokens, { positions }))]).toEqual([11, 12]);
  expect([...dataSync(embedding.forward(tokens, { positions, segments: tokens }))]).toEqual([11, 22]);
  const plain = new InputEmbedding({ tokens: table([1, 2]) });
  expect(() => plain.forward(tokens, { positions, segments: tokens })).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: InputEmbedding: segments is given, expected none: there is no table of segments. Build the layer with one]`,
  );
});
