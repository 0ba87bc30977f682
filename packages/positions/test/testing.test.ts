import {
  add,
  arange,
  cast,
  fromArray,
  multiply,
  normal,
  referenceBackend,
  reshape,
  rng,
  sin,
  tensor,
  useBackend,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { none, type PositionEncoding, relativeKeys, rotary, sinusoidal } from "../src/index.ts";
import { type PositionTraits, positionContract } from "../src/testing.ts";

useBackend(referenceBackend());

/** Wrong encodings, each with the case that must catch it. */
const broken: Record<string, { make: () => PositionEncoding; traits?: Partial<PositionTraits> }> = {
  "order matters": { make: () => ({ embed: (x) => x }) },
  "scores depend on absolute positions": { make: () => ({ embed: (x) => x }) },
  "scores are invariant to a shift of all positions": { make: () => sinusoidal(), traits: { relative: true } },
  "gives the published values": { make: () => sinusoidal({ base: 100 }) },
  "an offset equals a slice": {
    make: () => ({ embed: (x) => add(x, reshape(cast(arange(0, x.shape[1]!), x.dtype), [x.shape[1]!, 1])) }),
  },
};

const values = [0, 1, 0, 1, Math.sin(1), Math.cos(1), Math.sin(0.01), Math.cos(0.01)];
const traits: PositionTraits = {
  width: 4,
  relative: false,
  maxSeqLen: 50,
  other: () => sinusoidal(),
  published: [{ hook: "embed", positions: [0, 1], x: new Array<number>(8).fill(0), expected: values }],
};
const runCase = (make: () => PositionEncoding, name: string, given: PositionTraits) => {
  const found = positionContract(make, given).find((c) => c.name === name);
  if (!found) throw new Error(`no case ${name}`);
  found.run();
};

test.each(Object.entries(broken))("the case '%s' catches a wrong encoding", (name, { make, traits: changed }) => {
  expect(() => runCase(make, name, { ...traits, ...changed })).toThrow(/expected|order does not matter/);
});

test("the case 'two instances do not interfere' catches a table keyed by size alone", () => {
  let shared: PositionEncoding | undefined;
  const cached = (base: number): PositionEncoding => {
    const own = sinusoidal({ base });
    return {
      embed(x, positions) {
        shared = base === 20 ? own : (shared ?? own);
        return shared.embed!(x, positions);
      },
    };
  };
  expect(() =>
    runCase(() => cached(10000), "two instances do not interfere", { ...traits, other: () => cached(20) }),
  ).toThrow("after another instance was used");
});

test("a constant bias over keys is inert: the softmax cancels it", () => {
  const inert: PositionEncoding = {
    bias: (q, k) =>
      multiply(
        add(
          reshape(cast(q, "float64"), [1, 1, q.size, 1]),
          multiply(reshape(cast(k, "float64"), [1, 1, 1, k.size]), 0),
        ),
        0.5,
      ),
  };
  expect(() => runCase(() => inert, "order matters", traits)).toThrow("order does not matter");
});

const biasOf = (rows: (queries: number, keys: number) => number[]): PositionEncoding => ({
  bias: (q, k) => fromArray(rows(q.size, k.size), [1, 1, q.size, k.size], { dtype: "float64" }),
});

test("a relative bias that ignores offsets is caught", () => {
  const fromShape = (): PositionEncoding =>
    biasOf((T, S) => Array.from({ length: T * S }, (_, i) => -Math.abs(Math.floor(i / S) - (i % S))));
  expect(() => runCase(fromShape, "an offset equals a slice", traits)).toThrow("bias of an offset");
});

test("a table of sines without cosines is caught", () => {
  const sinesOnly: PositionEncoding = {
    embed: (x, positions) =>
      add(
        x,
        sin(
          multiply(
            reshape(cast(positions, x.dtype), [positions.size, 1]),
            tensor([1, 1, 0.01, 0.01], { dtype: x.dtype }),
          ),
        ),
      ),
  };
  expect(() => runCase(() => sinesOnly, "gives the published values", traits)).toThrow("published[0] embed");
});

test("a rotary cache that ignores the base is caught", () => {
  let shared: PositionEncoding | undefined;
  const cached = (base: number): PositionEncoding => {
    const own = rotary({ base });
    return {
      rotate(x, positions) {
        shared = base === 20 ? own : (shared ?? own);
        return shared.rotate!(x, positions);
      },
    };
  };
  const changed = { ...traits, other: () => cached(20) };
  expect(() => runCase(() => cached(10000), "two instances do not interfere", changed)).toThrow("rotate after another");
});

test("a rotation that is not a rotation of positions is caught by a shift", () => {
  const grown: PositionEncoding = {
    rotate: (x, positions) => multiply(x, add(reshape(cast(positions, x.dtype), [positions.size, 1]), 1)),
  };
  const name = "scores are invariant to a shift of all positions";
  expect(() => runCase(() => grown, name, { ...traits, relative: true })).toThrow("after moving all positions");
});

test("an encoding declared inert that is not, and an inert one not declared, are caught", () => {
  const name = "order does not matter";
  expect(() => runCase(() => sinusoidal(), name, { ...traits, inert: true })).toThrow("declared inert");
  expect(() => runCase(none, "gives the published values", { ...traits, published: [] })).toThrow("published is empty");
  expect(() => runCase(none, "order matters", traits)).toThrow("order does not matter");
});

test("a 'convolution' that reads positions is caught", () => {
  const changed = { ...traits, fromNeighbours: true };
  expect(() => runCase(() => sinusoidal(), "positions are not read", changed)).toThrow("embed at other positions");
});

test("content biases that ignore offsets are caught", () => {
  const keys = relativeKeys({
    maxDistance: 9,
    dHead: 4,
    table: (shape) => normal(shape, { rng: rng(0), dtype: "float64" }),
  });
  const broken: PositionEncoding = {
    contentBias: (q, k) => keys.contentBias(q, k, arange(0, q.shape[2]!), arange(0, k.shape[2]!)),
  };
  expect(() => runCase(() => broken, "an offset equals a slice", traits)).toThrow("contentBias of an offset");
});
