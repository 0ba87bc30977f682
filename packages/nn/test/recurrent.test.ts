import { dataSync, normal, referenceBackend, rng, slice, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  createGruCell,
  createLstmCell,
  createRnnCell,
  GruCell,
  Linear,
  LstmCell,
  Recurrent,
  RnnCell,
  recur,
} from "../src/index.ts";

useBackend(referenceBackend());

const source = rng(3);
const draw = (shape: readonly number[]): Tensor => normal(shape, { rng: source, dtype: "float64" });
const options = { dIn: 2, dState: 3, weight: draw, bias: draw };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const apply = ({ weight, bias }: Linear, x: readonly number[]): number[] => {
  const [rows, columns] = weight.shape as [number, number];
  return Array.from({ length: rows }, (_, i) =>
    x.reduce((sum, value, j) => sum + dataSync(weight)[i * columns + j]! * value, bias ? dataSync(bias)[i]! : 0),
  );
};
const steps = draw([1, 4, 2]);
const stepAt = (t: number): number[] => Array.from(dataSync(steps).slice(2 * t, 2 * t + 2));

test("a plain cell equals the loop", () => {
  const cell = createRnnCell(options);
  const y = dataSync(new Recurrent([[cell]]).forward(steps).y);
  let h = [0, 0, 0];
  for (let t = 0; t < 4; t++) {
    const recurrent = apply(cell.recurrent, h);
    h = apply(cell.input, stepAt(t)).map((value, i) => Math.tanh(value + recurrent[i]!));
    h.forEach((value, i) => expect(y[3 * t + i]).toBeCloseTo(value, 12));
  }
});

test("a GRU equals the loop, backward as well", () => {
  const cells = [createGruCell(options), createGruCell(options)] as const;
  const y = dataSync(new Recurrent([cells]).forward(steps).y);
  cells.forEach((cell, direction) => {
    let h = [0, 0, 0];
    for (let i = 0; i < 4; i++) {
      const t = direction === 0 ? i : 3 - i;
      const [a, b] = [apply(cell.input, stepAt(t)), apply(cell.recurrent, h)];
      h = h.map((old, n) => {
        const [r, z] = [sigmoid(a[n]! + b[n]!), sigmoid(a[3 + n]! + b[3 + n]!)];
        return (1 - z) * Math.tanh(a[6 + n]! + r * b[6 + n]!) + z * old;
      });
      h.forEach((value, n) => expect(y[6 * t + 3 * direction + n]).toBeCloseTo(value, 12));
    }
  });
});

test("a state continues a sequence, and padding does not change a row", () => {
  const layer = new Recurrent([[createLstmCell({ ...options, dProjection: 2 })], [createGruCell(options)]]);
  const lengths = tensor([2], { dtype: "int32" });
  const { y, states } = layer.forward(steps, { lengths });
  expect([...dataSync(y).slice(6)]).toEqual([0, 0, 0, 0, 0, 0]);
  const again = layer.forward(steps, { states, lengths: tensor([0], { dtype: "int32" }) });
  again.states.forEach(({ h }, i) => expect(dataSync(h)).toEqual(dataSync(states[i]!.h)));
});

test("an LSTM with clips equals the loop", () => {
  const cell = createLstmCell({ ...options, dProjection: 2, cellClip: 0.4, projectionClip: 0.3 });
  const y = dataSync(recur(cell, steps).y);
  const cut = (x: number, bound: number): number => Math.min(Math.max(x, -bound), bound);
  let [h, c] = [
    [0, 0],
    [0, 0, 0],
  ];
  let numCut = 0;
  for (let t = 0; t < 4; t++) {
    const [a, b] = [apply(cell.input, stepAt(t)), apply(cell.recurrent, h)];
    const at = (gate: number, n: number): number => a[3 * gate + n]! + b[3 * gate + n]!;
    const free = c.map((old, n) => sigmoid(at(1, n)) * old + sigmoid(at(0, n)) * Math.tanh(at(2, n)));
    c = free.map((value) => cut(value, 0.4));
    const output = c.map((value, n) => sigmoid(at(3, n)) * Math.tanh(value));
    const projected = apply(cell.projection!, output);
    h = projected.map((value) => cut(value, 0.3));
    numCut += [...free.map((value, n) => value !== c[n]), ...projected.map((value, n) => value !== h[n])].filter(
      Boolean,
    ).length;
    h.forEach((value, n) => expect(y[2 * t + n]).toBeCloseTo(value, 12));
  }
  expect(numCut).toBeGreaterThan(2);
});

test("a cell runs alone as it does in a layer, and goes on from its state", () => {
  const cells = [createLstmCell(options), createLstmCell(options)] as const;
  const lengths = tensor([3], { dtype: "int32" });
  const both = dataSync(new Recurrent([cells]).forward(steps, { lengths }).y);
  cells.forEach((cell, direction) => {
    const y = dataSync(recur(cell, steps, { backward: direction === 1, lengths }).y);
    for (let t = 0; t < 4; t++) for (let n = 0; n < 3; n++) expect(y[3 * t + n]).toBe(both[6 * t + 3 * direction + n]);
  });
  const first = recur(cells[0], slice(steps, [0, 0, 0], [1, 2, 2]));
  const second = recur(cells[0], slice(steps, [0, 2, 0], [1, 2, 2]), { state: first.state });
  expect([...dataSync(second.y)]).toEqual([...dataSync(recur(cells[0], steps).y)].slice(6));
});

test("names what does not fit", () => {
  const [wide, square] = [new Linear(zeros([4, 2])), new Linear(zeros([3, 3]))];
  expect(() => new RnnCell(wide, square)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: RnnCell: recurrent has weight [3, 3], expected [4, 4] (from input [4, 2])]`,
  );
  expect(() => new GruCell(wide, square)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: GruCell: input has dOut=4 in weight [4, 2], expected a multiple of 3: one part for each gate]`,
  );
  expect(() => new LstmCell(wide, square)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LstmCell: recurrent has weight [3, 3], expected [4, 1] (from input [4, 2])]`,
  );
  expect(() => new Recurrent([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Recurrent: cells has no layer, expected layers of one cell (forward) or two (forward, backward)]`,
  );
  expect(() =>
    new Recurrent([[createRnnCell(options)]]).forward(steps, { states: [] }),
  ).toThrowErrorMatchingInlineSnapshot(`[RangeError: Recurrent: states has 0 items, expected 1 (one for each cell)]`);
  expect(() => createLstmCell({ ...options, cellClip: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LstmCell: cellClip is out of range, expected a number above 0, got 0]`,
  );
  expect(() => createLstmCell({ ...options, projectionClip: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LstmCell: projectionClip has nothing to clip, expected none without a projection, got 1]`,
  );
  const state = { h: zeros([1, 2]) };
  expect(() => recur(createRnnCell(options), steps, { state })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: recur: state.h has shape [1, 2], expected [1, 3]]`,
  );
  const lengths = tensor([5], { dtype: "int32" });
  expect(() => recur(createRnnCell(options), steps, { lengths })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: recur: lengths has 5 at index 0, expected 0..4 (from T=4 steps of x)]`,
  );
});
