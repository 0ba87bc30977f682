import { arange, dataSync, fromArray, item, referenceBackend, rng, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { causalLM, stackExamples } from "../src/index.ts";
import { objectiveContract, tokenTraits } from "../src/testing.ts";

useBackend(referenceBackend());

const traits = tokenTraits({
  length: 13,
  vocabSize: 16,
  lossRate: 1,
  readableInputs: ({ inputs }, t) => [...inputs.slice(0, t + 1)],
});

for (const { name, run } of objectiveContract(() => causalLM(), traits)) test(name, run);

const ids = (...values: number[]) => Int32Array.of(...values);

test("targets are the tokens one place on", () => {
  const { inputs, targets, lossWeights } = causalLM().prepare(ids(5, 6, 7, 5), rng(0));
  expect([[...inputs], [...targets], [...lossWeights]]).toEqual([
    [5, 6, 7],
    [6, 7, 5],
    [1, 1, 1],
  ]);
  expect(causalLM().tokensFor(3)).toBe(4);
});

test("predicting padding does not count", () => {
  expect([...causalLM({ paddingId: 0 }).prepare(ids(5, 6, 0, 0), rng(0)).lossWeights]).toEqual([1, 0, 0]);
});

test("needs a causal mask", () => {
  expect([...dataSync(causalLM().mask(arange(0, 2), arange(0, 2)))]).toEqual([1, 0, 1, 1]);
});

test("the loss is the weighted mean of -log p of the targets, over the whole batch", () => {
  const objective = causalLM({ paddingId: 9 });
  const batch = stackExamples(
    [objective.prepare(ids(0, 1, 0), rng(0)), objective.prepare(ids(1, 1, 9), rng(0))].map((e) => ({
      ...e,
      targets: e.targets.map((id) => id % 9),
    })),
  );
  const logits = tensor(
    [
      [
        [0, Math.log(3)],
        [0, 0],
      ],
      [
        [0, 1],
        [5, 5],
      ],
    ],
    { dtype: "float64" },
  );
  // p: 3/4, 1/2, e/(1+e); the last place is padding
  const expected = -(Math.log(3 / 4) + Math.log(1 / 2) + Math.log(Math.E / (1 + Math.E))) / 3;
  expect(item(objective.loss(logits, batch))).toBeCloseTo(expected, 12);
});

test("all weights 1 gives the same as weights that are nearly 1", () => {
  const logits = fromArray(
    Float64Array.from({ length: 24 }, (_, i) => Math.cos(i)),
    [2, 3, 4],
  );
  const example = {
    inputs: new Int32Array(6),
    targets: ids(0, 1, 2, 3, 0, 1),
    lossWeights: new Float32Array(6).fill(1),
  };
  const nearly = { ...example, lossWeights: new Float32Array(6).fill(1 + 2 ** -20) };
  expect(item(causalLM().loss(logits, nearly))).toBeCloseTo(item(causalLM().loss(logits, example)), 12);
});

test("names what does not fit", () => {
  expect(() => causalLM().prepare(ids(1), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: causalLM: tokens has length 1, expected at least 2, one to read and one to predict]`,
  );
  const example = causalLM().prepare(ids(1, 2, 3), rng(0));
  expect(() => causalLM().loss(zeros([2, 2, 4]), example)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: causalLM: example has 2 places, expected 4 (from logits [2, 2, 4]). Stack as many examples as the batch has rows]`,
  );
  expect(() => causalLM().loss(zeros([1, 2, 3]), example)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: crossEntropy: targets has a value out of range at position 1, expected 0..2 or -100, got 3]`,
  );
  expect(() => stackExamples([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: stackExamples: examples is empty, expected at least one example, got none]`,
  );
  expect(() => stackExamples([example, causalLM().prepare(ids(1, 2), rng(0))])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: stackExamples: examples[1] has 1 places in inputs, expected 2 (from examples[0]). Cut or pad them to one length]`,
  );
});
