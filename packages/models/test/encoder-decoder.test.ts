import {
  countBuffers,
  createWasmBackend,
  dataSync,
  referenceBackend,
  rng,
  scope,
  type Tensor,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { EncoderDecoder, t5, transformer } from "../src/index.ts";

const V = 13;
const ids = (rows: readonly (readonly number[])[]): Tensor => tensor(rows as number[][], { dtype: "int32" });
const bool = (rows: number[][]): Tensor => tensor(rows, { dtype: "bool" });
const source = [
  [3, 1, 4, 1, 5],
  [2, 7, 1, 8, 2],
];
const target = [
  [0, 6, 2, 9, 4, 1],
  [0, 1, 1, 2, 3, 5],
];
const padding = [
  [1, 1, 1, 0, 0],
  [1, 1, 1, 1, 1],
];

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
const models = {
  transformer: () => transformer({ vocabSize: V, dModel: 8, numLayers: 2, numHeads: 2 }, rng(1)),
  "transformer with norms before": () =>
    transformer({ vocabSize: V, dModel: 8, numLayers: 2, numHeads: 2, preNorm: true }, rng(1)),
  t5: () => t5({ vocabSize: V, dModel: 8, numHeads: 2, dFF: 16, numLayers: 2, gated: true, tieHead: false }, rng(1)),
};

const closeTo = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(actual.length).toBe(expected.length);
  Array.from(actual).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};
/** Rows of logits [2, T, V] at some positions of one row of the batch. */
const at = (logits: ArrayLike<number>, T: number, row: number, from: number, to: number): number[] =>
  Array.from(logits).slice((row * T + from) * V, (row * T + to) * V);

for (const [backendName, makeBackend] of Object.entries(backends)) {
  for (const [name, make] of Object.entries(models)) {
    describe(`${name} on ${backendName}`, () => {
      const model = (): EncoderDecoder => {
        useBackend(makeBackend());
        return make();
      };

      test("decoding with the cache, in pieces of any length, equals one pass", () => {
        const m = model();
        const sourcePadding = bool(padding);
        const whole = dataSync(m.forward({ source: ids(source), target: ids(target) }, { sourcePadding }));
        const decoding = m.decoding({ source: ids(source), sourcePadding });
        expect([decoding.vocabSize, decoding.maxSeqLen]).toEqual([V, m.decoder.maxSeqLen]);
        const cache = decoding.createCache({ maxSeqLen: 6 });
        for (const [from, to] of [
          [0, 3],
          [3, 4],
          [4, 6],
        ] as const) {
          const part = ids(target.map((row) => row.slice(from, to)));
          const expected = [0, 1].flatMap((row) => at(whole, 6, row, from, to));
          closeTo(dataSync(scope(() => decoding.forward(part, { cache }))), expected);
        }
        expect(cache.length).toBe(6);
        closeTo(dataSync(decoding.forward(ids(target))), whole);
        cache.reset();
        const last = dataSync(decoding.forward(ids(target), { cache, lastOnly: true }));
        closeTo(
          last,
          [0, 1].flatMap((row) => at(whole, 6, row, 5, 6)),
        );
        cache.dispose();
        decoding.dispose();
      });

      test("reordering takes rows of source and target along", () => {
        const m = model();
        const sourcePadding = bool(padding);
        const decoding = m.decoding({ source: ids(source), sourcePadding });
        const cache = decoding.createCache({ maxSeqLen: 6 });
        cache.reorder([1, 0]); // before anything is stored
        decoding.forward(ids([target[1]!.slice(0, 3), target[0]!.slice(0, 3)]), { cache });
        cache.reorder([1, 1, 0]);
        const next = dataSync(decoding.forward(ids([[9], [7], [2]]), { cache }));
        const expected = [
          [0, 9],
          [0, 7],
          [1, 2],
        ].flatMap(([row, token]) => {
          const pair = { source: ids([source[row!]!]), target: ids([[...target[row!]!.slice(0, 3), token!]]) };
          return [...dataSync(m.forward(pair, { sourcePadding: bool([padding[row!]!]) }))].slice(3 * V);
        });
        closeTo(next, expected);
        cache.dispose();
        decoding.dispose();
      });

      test("what is padded in source or target has no influence", () => {
        const m = model();
        const whole = dataSync(
          m.forward({ source: ids(source), target: ids(target) }, { sourcePadding: bool(padding) }),
        );
        const alone = m.forward({ source: ids([[3, 1, 4]]), target: ids([target[0]!]) });
        closeTo(at(whole, 6, 0, 0, 6), dataSync(alone));
        const hidden = m.forward(
          { source: ids(source), target: ids(target.map((row) => [row[0]!, 12, ...row.slice(2)])) },
          { targetPadding: bool(target.map(() => [1, 0, 1, 1, 1, 1])) },
        );
        const other = m.forward(
          { source: ids(source), target: ids(target.map((row) => [row[0]!, 11, ...row.slice(2)])) },
          { targetPadding: bool(target.map(() => [1, 0, 1, 1, 1, 1])) },
        );
        closeTo(at(dataSync(hidden), 6, 0, 2, 6), at(dataSync(other), 6, 0, 2, 6));
      });

      test("later tokens of the target have no influence, each token of the source has", () => {
        const m = model();
        const logits = (s: number[], t: number[]): number[] => [
          ...dataSync(m.forward({ source: ids([s]), target: ids([t]) })),
        ];
        const before = logits(source[0]!, target[0]!);
        closeTo(logits(source[0]!, [...target[0]!.slice(0, 4), 7, 7]).slice(0, 4 * V), before.slice(0, 4 * V));
        source[0]!.forEach((_, place) => {
          const changed = source[0]!.map((id, i) => (i === place ? id + 5 : id));
          const difference = logits(changed, target[0]!).map((value, i) => Math.abs(value - before[i]!));
          expect(Math.max(...difference.slice(0, V))).toBeGreaterThan(1e-4);
        });
      });
    });
  }
}

describe("EncoderDecoder", () => {
  test("a decoding leaves nothing behind", () => {
    const backend = referenceBackend();
    useBackend(backend);
    const m = models.t5();
    const tokens = ids(source);
    const before = { ...countBuffers(backend) };
    const decoding = m.decoding({ source: tokens });
    const cache = decoding.createCache();
    scope(() => void decoding.forward(tokens, { cache }));
    cache.reorder([0, 0, 1]);
    expect(countBuffers(backend)).not.toEqual(before);
    cache.dispose();
    decoding.dispose();
    expect(countBuffers(backend)).toEqual(before);
  });

  test("a decoding from states has them for its own", () => {
    useBackend(referenceBackend());
    const m = models.t5();
    const states = m.encode(ids(source));
    const decoding = m.decoding({ states });
    const expected = dataSync(m.forward({ source: ids(source), target: ids(target) }));
    states.dispose();
    closeTo(dataSync(decoding.forward(ids(target))), expected);
    decoding.dispose();
  });

  test("says what is wrong", () => {
    useBackend(referenceBackend());
    const m = models.transformer();
    expect(() => m.forward({ source: ids(source), target: ids([[0]]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: EncoderDecoder: target has 1 rows, expected 2 (from the source). Give one target for each source]`,
    );
    expect(
      () => new EncoderDecoder({ encoder: m.encoder, decoder: m.decoder, outputDropout: 1 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: EncoderDecoder: outputDropout is out of range, expected a probability in [0, 1), got 1]`,
    );
    expect(() => m.decode(ids([[0]]), {})).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Block: memory is missing, expected the states that cross-attention reads, got undefined. Give what an encoder made]`,
    );
    expect(() =>
      m.forward({ source: ids(source), target: ids(target) }, { sourcePadding: bool([[1, 1, 1]]) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: padding: keep has 3 columns in shape [1, 3], expected at least 5 (from keyPositions [5])]`,
    );
    const decoding = m.decoding({ source: ids(source) });
    expect(() => decoding.forward(ids(target), { cache: m.decoder.createCache() })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Decoding: cache is not of an encoder-decoder, expected one that createCache of a decoding made, got another]`,
    );
    expect(() => m.decoding({ source: zeros([1, 2]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: Stack: tokens has dtype float32, expected int32. Use cast]`,
    );
  });
});
