import { countParameters, stateDict } from "@heed/nn";
import {
  createMetaBackend,
  createWasmBackend,
  dataSync,
  fromArray,
  referenceBackend,
  reshape,
  rng,
  scope,
  type Tensor,
  tensor,
  useBackend,
  withBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type XlnetConfig, xlnet, xlnetPresets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";

const tiny: XlnetConfig = { vocabSize: 11, dModel: 16, numHeads: 2, dFF: 32, numLayers: 2 };

const traits: ModelTraits = {
  make: (source) => xlnet({ ...tiny, numLayers: 1, maxSeqLen: 12, dropout: 0.1 }, source),
  vocabSize: tiny.vocabSize,
  maxSeqLen: 12,
  // As Python's XLNetModel counts them.
  presets: {
    "xlnet-base": {
      build: () => xlnet({ ...xlnetPresets["xlnet-base"], head: false }, rng(0)),
      numParameters: 116_718_336,
    },
    "xlnet-large": {
      build: () => xlnet({ ...xlnetPresets["xlnet-large"], head: false }, rng(0)),
      numParameters: 360_268_800,
    },
  },
};

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
for (const [name, make] of Object.entries(backends)) {
  describe(`contract on ${name}`, () => {
    beforeEach(() => void useBackend(make()));
    for (const { name, run } of modelContract(traits)) test(name, run);
  });
}

describe("xlnet", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
  const sharp = (config: Partial<XlnetConfig> = {}) => xlnet({ ...tiny, initStd: 0.3, ...config }, rng(0));
  const rowsOf = (x: Tensor): number[][] => {
    const values = [...dataSync<"float32">(x)];
    const width = x.shape.at(-1)!;
    return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
  };
  /** Places are told in this order; each sees those told before it. */
  const order = (turns: number[]) => () =>
    reshape(
      fromArray(
        Uint8Array.from(turns.flatMap((mine) => turns.map((other) => Number(other < mine)))),
        [turns.length, turns.length],
        { dtype: "bool" },
      ),
      [1, 1, turns.length, turns.length],
    );
  const all = (T: number): Tensor =>
    tensor([Array.from({ length: T }, (_, i) => Array.from({ length: T }, (_, j) => Number(i === j)))]);

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test("a head adds the bias alone, or its own weight too", () => {
    const count = (config: Partial<XlnetConfig>): number =>
      withBackend(createMetaBackend(), () => scope(() => countParameters(xlnet({ ...tiny, ...config }, rng(0)))));
    const bare = count({ head: false });
    expect(count({}) - bare).toBe(11);
    expect(count({ tieHead: false }) - bare).toBe(11 + 11 * 16);
    const shared = stateDict(sharp());
    expect(shared.get("head.weight")).toBe(shared.get("tokens.weight"));
  });

  test("a query sees places told before it and never its own token", () => {
    const model = sharp();
    const turns = [2, 0, 3, 1];
    const logitsOf = (row: number[]) =>
      rowsOf(model.forward(ids([row]), { mask: order(turns), targetMapping: all(4) }));
    const before = logitsOf([1, 2, 3, 4]);
    for (const [changed, turn] of turns.entries()) {
      const row = [1, 2, 3, 4];
      row[changed] = 9;
      const moved = logitsOf(row).map((logits, i) => logits.some((x, v) => Math.abs(x - before[i]![v]!) > 1e-6));
      // The one told first sees nothing and so, as in the original, averages over everything.
      expect(moved).toEqual(turns.map((mine) => mine > turn || mine === 0));
    }
  });

  test("distances count, positions do not", () => {
    const model = sharp();
    const rows = rowsOf(
      model.forward(ids([[1, 2, 3, 1, 2, 3]]), {
        padding: fromArray(Uint8Array.from([1, 1, 1, 0, 0, 0]), [1, 6], { dtype: "bool" }),
      }),
    );
    const late = rowsOf(
      model.forward(ids([[1, 2, 3, 1, 2, 3]]), {
        padding: fromArray(Uint8Array.from([0, 0, 0, 1, 1, 1]), [1, 6], { dtype: "bool" }),
      }),
    );
    for (const i of [0, 1, 2]) rows[i]!.forEach((x, v) => expect(late[i + 3]![v]).toBeCloseTo(x, 5));
    const turned = rowsOf(model.forward(ids([[3, 2, 1]])));
    const straight = rowsOf(model.forward(ids([[1, 2, 3]])));
    expect(Math.abs(turned[2]![0]! - straight[0]![0]!)).toBeGreaterThan(1e-3);
  });

  test("the second half of a two-way batch is read backwards", () => {
    const rows = rowsOf(
      sharp({ twoWayBatches: true }).forward(
        ids([
          [1, 2, 3],
          [3, 2, 1],
        ]),
      ),
    );
    for (const i of [0, 1, 2]) rows[i]!.forEach((x, v) => expect(rows[5 - i]![v]).toBeCloseTo(x, 5));
  });

  test("segments are told apart, whatever their ids", () => {
    const model = sharp();
    const logits = (segments?: number[]) =>
      rowsOf(model.forward(ids([[1, 2, 3]]), segments && { segments: ids([segments]) })).flat();
    expect(logits([0, 0, 1])).toEqual(logits([1, 1, 0]));
    expect(logits([0, 0, 1])).not.toEqual(logits([0, 1, 1]));
    expect(logits([0, 0, 0])).not.toEqual(logits());
  });

  test("far places count as near as the farthest known", () => {
    const model = sharp({ numLayers: 1, maxDistance: 1 });
    const [first] = rowsOf(model.forward(ids([[1, 5, 2, 3]])));
    const [swapped] = rowsOf(model.forward(ids([[1, 5, 3, 2]])));
    first!.forEach((x, v) => expect(swapped![v]).toBeCloseTo(x, 5));
  });

  test.each<{ what: string; run: () => unknown }>([
    { what: "heads that do not divide", run: () => xlnet({ ...tiny, numHeads: 3 }, null) },
    { what: "an odd width", run: () => xlnet({ ...tiny, dModel: 15, numHeads: 3 }, null) },
    { what: "an unknown key", run: () => xlnet({ ...tiny, memLen: 3 } as XlnetConfig, null) },
    { what: "an odd two-way batch", run: () => sharp({ twoWayBatches: true }).forward(ids([[1, 2]])) },
    { what: "a mapping of other places", run: () => sharp().forward(ids([[1, 2]]), { targetMapping: all(3) }) },
    { what: "padding that is no mask", run: () => sharp().forward(ids([[1, 2]]), { padding: ids([[1, 1]]) }) },
  ])("refuses $what", ({ run }) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});
