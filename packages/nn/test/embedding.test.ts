import { dataSync, item, referenceBackend, rng, sum, tensor, useBackend, valueAndGradients, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { createEmbedding, Embedding, normalInit } from "../src/index.ts";

useBackend(referenceBackend());

const ids = (values: number[][]) => tensor(values, { dtype: "int32" });

test("looks up rows by id", () => {
  const table = new Embedding(
    tensor([
      [0, 1],
      [2, 3],
      [4, 5],
    ]),
  );
  const y = table.forward(
    ids([
      [2, 0],
      [1, 2],
    ]),
  );
  expect(y.shape).toEqual([2, 2, 2]);
  expect([...dataSync(y)]).toEqual([4, 5, 0, 1, 2, 3, 4, 5]);
});

test("the gradient of a row counts how often it was used", () => {
  const table = createEmbedding({ numEmbeddings: 3, dModel: 2, weight: normalInit({ std: 1, rng: rng(0) }) });
  const { gradients } = valueAndGradients(() => sum(table.forward(ids([[2, 2, 0]]))), [table.weight]);
  expect([...dataSync(gradients[0])]).toEqual([1, 1, 0, 0, 2, 2]);
});

test("names what does not fit", () => {
  expect(() => new Embedding(zeros([3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Embedding: weight has rank 1 in shape [3], expected 2 axes [V, E]]`,
  );
  expect(() => new Embedding(zeros([3, 2])).forward(ids([[0, 3]]))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Embedding: ids has 3 at place 1, expected 0..2 (from a vocabulary of 3). Use the tokenizer the model was trained with]`,
  );
});

test("looking up the padding id gives no gradient, its values are those of the table", () => {
  const table = tensor([[1], [2], [3]]);
  const embedding = new Embedding(table, { paddingId: 2 });
  const padded = ids([[2, 0, 2, 0]]);
  const { value, gradients } = valueAndGradients(() => sum(embedding.forward(padded)), { table });
  expect([item(value), ...dataSync(gradients.table)]).toEqual([8, 2, 0, 0]);
  expect(() => new Embedding(table, { paddingId: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Embedding: paddingId is out of range, expected a whole number in 0..2 (from weight [3, 1]), got 3]`,
  );
});
