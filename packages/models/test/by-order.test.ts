import { causal } from "@heed/attention";
import { dataSync, fromArray, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { byOrder } from "../src/by-order.ts";
import { decoderModel, gpt2, llama } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const ids = (rows: readonly (readonly number[])[]): Tensor =>
  fromArray(Int32Array.from(rows.flat()), [rows.length, rows[0]!.length]);

test("tokens see those before them, whatever positions say", () => {
  const mask = byOrder(causal());
  const rows = [...dataSync(mask(ids([[7, 3, -1]]), ids([[9, 7, 3, -1]])))];
  // Three queries, the last of four keys.
  expect(rows).toEqual([1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);
});

const sizes = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2, initStd: 0.5 } as const;
const models = {
  gpt2: () => gpt2(sizes, rng(1)),
  llama: () => llama({ ...sizes, dFF: 12, windowSize: 3 }, rng(2)),
  opt: () => decoderModel({ ...sizes, positions: { kind: "learned", offset: 2 }, windows: [3] }, rng(3)),
};

test.each(Object.entries(models))("%s: no position of a call shows a later token", (_, make) => {
  const model = make();
  const positions = ids([[4, 0, 3, 3, 1]]);
  const [one, other] = [
    [1, 2, 3, 4, 5],
    [1, 2, 3, 9, 10],
  ].map((row) => [...dataSync(model.forward(ids([row]), { positions }))]);
  expect(other!.slice(0, 33)).toEqual(one!.slice(0, 33));
  expect(other!.slice(33)).not.toEqual(one!.slice(33));
});

test("OPT's padding has a row of its own and sees the real tokens before it", () => {
  const model = models.opt();
  const padding = tensor([[1, 1, 0]], { dtype: "bool" });
  const positions = ids([[0, 1, -1]]);
  const run = (row: number[]): number[] => [...dataSync(model.forward(ids([row]), { positions, padding }))];
  expect(run([1, 2, 5]).slice(0, 22)).toEqual(run([1, 2, 6]).slice(0, 22));
  expect(run([1, 2, 5]).slice(22)).not.toEqual(run([3, 2, 5]).slice(22));
});
