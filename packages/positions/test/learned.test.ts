import {
  dataSync,
  fromArray,
  normal,
  referenceBackend,
  rng,
  sum,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { LearnedPositions, learned } from "../src/index.ts";
import { type PositionTraits, positionContract } from "../src/testing.ts";

useBackend(referenceBackend());

const width = 6;
const make = (seed: number) =>
  learned({ maxSeqLen: 10, dModel: width, table: (shape) => normal(shape, { rng: rng(seed), dtype: "float64" }) });

const traits: PositionTraits = {
  width,
  relative: false,
  maxSeqLen: 10,
  other: () => make(2),
  // section 3.1: e = w + p, the row of the table added to the embedding
  published: [
    {
      hook: "embed",
      positions: [3, 0],
      x: new Array<number>(2 * width).fill(1),
      expected: [3, 0].flatMap((p) =>
        Array.from(dataSync(make(1).table).slice(p * width, (p + 1) * width), (value) => 1 + value),
      ),
    },
  ],
};

for (const { name, run } of positionContract(() => make(1), traits)) test(name, run);

const ids = (values: number[] | number[][]) => tensor(values, { dtype: "int32" });

test("positions may differ by row", () => {
  const position = new LearnedPositions(tensor([[1], [10], [100]]));
  const y = position.embed(
    zeros([2, 2, 1]),
    ids([
      [2, 0],
      [1, 1],
    ]),
  );
  expect([...dataSync(y)]).toEqual([100, 1, 10, 10]);
});

test("the gradient of a row counts its uses", () => {
  const position = new LearnedPositions(zeros([3, 2]));
  const { gradients } = valueAndGradients(() => sum(position.embed(zeros([4, 2, 2]), ids([2, 0]))), [position.table]);
  expect([...dataSync(gradients[0])]).toEqual([4, 4, 0, 0, 4, 4]);
});

test("names what does not fit", () => {
  const position = new LearnedPositions(zeros([3, 2]));
  expect(() => position.embed(zeros([1, 4, 2]), ids([0, 1, 2, 3]))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedPositions: positions has 3 at index 3, expected 0..2 (from a table of 3 positions). Shorten the sequence or build a longer table]`,
  );
  expect(() => position.embed(zeros([1, 2, 3]), ids([0, 1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedPositions: x has shape [1, 2, 3], expected [..., T, E] with E=2]`,
  );
  expect(() => position.embed(zeros([2, 2, 2]), ids([[0, 1]]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedPositions: positions has shape [1, 2], expected [T] or [B, T] (from x [2, 2, 2])]`,
  );
  expect(() => learned({ maxSeqLen: 0, dModel: 2, table: (shape) => zeros(shape) })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: learned: maxSeqLen is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => new LearnedPositions(fromArray([1], [1]))).toThrow("expected 2 axes [maxSeqLen, E]");
});

test("an offset leaves rows in front", () => {
  const position = learned({ maxSeqLen: 2, dModel: 1, offset: 2, table: () => tensor([[1], [10], [100], [1000]]) });
  expect([...dataSync(position.embed(zeros([1, 2, 1]), ids([0, 1])))]).toEqual([100, 1000]);
  expect([...dataSync(position.embed(zeros([1, 2, 1]), ids([-1, -2])))]).toEqual([10, 1]);
  expect(learned({ maxSeqLen: 3, dModel: 4, offset: 2, table: (shape) => zeros(shape) }).table.shape).toEqual([5, 4]);
  expect(() => position.vectors(ids([2]), { dModel: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedPositions: positions has 2 at index 0, expected -2..1 (from a table of 2 positions). Shorten the sequence or build a longer table]`,
  );
  expect(() => new LearnedPositions(tensor([[1], [2]]), { offset: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedPositions: offset is out of range, expected a whole number in 0..1 (from table [2, 1]), got 2]`,
  );
});

test("a position may be left untrained by its own uses", () => {
  const table = () => zeros([4, 2]);
  const gradientOf = (position: LearnedPositions) =>
    valueAndGradients(() => sum(position.embed(zeros([1, 3, 2]), ids([[1, 2, 1]]))), [position.table]).gradients[0];
  expect([...dataSync(gradientOf(new LearnedPositions(table())))]).toEqual([0, 0, 2, 2, 1, 1, 0, 0]);
  expect([...dataSync(gradientOf(new LearnedPositions(table(), { untrained: 1 })))]).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  const behind = new LearnedPositions(table(), { offset: 1, untrained: 1 });
  expect([...dataSync(gradientOf(behind))]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  const values = new LearnedPositions(tensor([[1], [10]]), { untrained: 1 });
  expect([...dataSync(values.embed(zeros([2, 1]), ids([1, 0])))]).toEqual([10, 1]);
  expect(() => new LearnedPositions(table(), { offset: 1, untrained: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedPositions: untrained is out of range, expected a position in 0..2 (from table [4, 2]), got 3]`,
  );
});
