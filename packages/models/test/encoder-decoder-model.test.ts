import { dataSync, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import {
  bart,
  EncoderDecoder,
  EncoderDecoderModel,
  type EncoderDecoderModelParts,
  isEncoderDecoder,
  isEncoderDecoderModel,
  isEncoderModel,
  lastEndToken,
  StatesHead,
  startingWith,
} from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const sizes = { numLayers: 1, numHeads: 2, dFF: 12 };
const config = { vocabSize: 11, maxSeqLen: 8, dModel: 8, encoder: sizes, decoder: sizes, initStd: 0.4, dropout: 0.3 };
const ids = (rows: number[][]): Tensor => tensor(rows, { dtype: "int32" });
const source = [
  [5, 6, 7, 2, 1],
  [8, 9, 3, 4, 2],
];
const padding = () =>
  tensor(
    [
      [1, 1, 1, 1, 0],
      [1, 1, 1, 1, 1],
    ],
    { dtype: "bool" },
  );
const values = (x: Tensor): number[] => [...dataSync(x)];

const make = (parts: Partial<EncoderDecoderModelParts> = {}): EncoderDecoderModel => {
  const { encoder, decoder } = bart(config, rng(0));
  return new EncoderDecoderModel({
    ...{ encoder, decoder, shift: startingWith(2), heads: { each: new StatesHead({ tokens: "each" }) } },
    ...parts,
  });
};
/** The decoder's states as the pair gives them, for a target written out. */
const statesOf = ({ encoder, decoder }: EncoderDecoderModel, target: number[][]): number[] => {
  const pair = new EncoderDecoder({ encoder, decoder, head: { forward: (x) => x } });
  return values(pair.forward({ source: ids(source), target: ids(target) }, { sourcePadding: padding() }));
};
const shifted = [
  [2, 5, 6, 7, 2],
  [2, 8, 9, 3, 4],
];

test("the decoder reads the source behind its start token, and heads read all its states", () => {
  const model = make();
  const { states, each } = model.forward(ids(source), { sourcePadding: padding() });
  expect(values(states)).toEqual(statesOf(model, shifted));
  expect(values(each!)).toEqual(values(states));
  expect([model.vocabSize, model.maxSeqLen]).toEqual([11, 8]);
});

test("with a pool heads read one state of each row", () => {
  const model = make({ pool: lastEndToken({ endId: 2 }) });
  const { states, each } = model.forward(ids(source), { sourcePadding: padding() });
  expect(each!.shape).toEqual([2, 8]);
  const all = values(states);
  expect(values(each!)).toEqual([...all.slice(3 * 8, 4 * 8), ...all.slice(9 * 8, 10 * 8)]);
});

test("a target of a call is what the decoder reads instead", () => {
  const target = source.map((row) => row.map((id) => (id + 1) % 11));
  const model = make();
  const { states } = model.forward(ids(source), { sourcePadding: padding(), target: ids(target) });
  expect(values(states)).toEqual(statesOf(model, target));
  expect(() => model.forward(ids(source), { target: ids([[1, 2]]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: EncoderDecoderModel: target has B=1 in shape [1, 2], expected B=2 (from source [2, 5])]`,
  );
});

test("a text before which nothing else stands reads the same alone", () => {
  const model = make({ pool: lastEndToken({ endId: 2 }) });
  const together = values(model.forward(ids(source), { sourcePadding: padding() })["each"]!);
  const alone = values(model.forward(ids([source[0]!.slice(0, 4)]))["each"]!);
  alone.forEach((value, i) => expect(together[i]).toBeCloseTo(value, 5));
});

test("drops by the call's rng, final states too", () => {
  const model = make({ outputDropout: 0.5 });
  const read = (seed?: number) =>
    values(model.forward(ids(source), seed === undefined ? {} : { rng: rng(seed) }).states);
  expect(read()).toEqual(read());
  expect(read(1)).toEqual(read(1));
  expect(read(1)).not.toEqual(read(2));
  expect(read(1).filter((value) => value === 0).length).toBeGreaterThan(20);
  expect(read().filter((value) => value === 0)).toEqual([]);
});

test("guards tell it from its neighbors; a rate of 1 is refused", () => {
  const model = make();
  expect([isEncoderDecoderModel(model), isEncoderModel(model), isEncoderDecoder(model)]).toEqual([true, false, false]);
  expect(isEncoderDecoderModel(bart(config, rng(0)))).toBe(false);
  expect(() => make({ outputDropout: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: EncoderDecoderModel: outputDropout is out of range, expected a probability in [0, 1), got 1]`,
  );
});
