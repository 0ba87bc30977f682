import { multiply, referenceBackend, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { causalLM, type SequenceObjective } from "../src/index.ts";
import { objectiveContract, tokenTraits } from "../src/testing.ts";

useBackend(referenceBackend());

const traits = tokenTraits({
  length: 13,
  vocabSize: 16,
  lossRate: 1,
  readableInputs: ({ inputs }, t) => [...inputs.slice(0, t + 1)],
});
const right = causalLM();
let draws = 0;

/** Wrong objectives, each with the case that must catch it. */
const broken: Record<string, SequenceObjective> = {
  "uniform logits give ln V": {
    ...right,
    loss: (logits, example) => multiply(right.loss(logits, example), 1 / Math.LN2),
  },
  "perfect logits give 0": {
    ...right,
    loss: (logits, example) => right.loss(logits, { ...example, targets: example.inputs }),
  },
  "ignored places get zero gradient": {
    ...right,
    loss: (logits, example) => right.loss(logits, { ...example, lossWeights: example.lossWeights.map(() => 1) }),
  },
  "the same seed gives the same example": {
    ...right,
    prepare: (tokens, rng) =>
      right.prepare(
        tokens.map((id) => (id + draws++) % 16),
        rng,
      ),
  },
  "as many places count as announced": {
    ...right,
    prepare: (tokens, rng) => ({ ...right.prepare(tokens, rng), lossWeights: new Float32Array(12).fill(1, 1) }),
  },
  "no target is visible in its own input": {
    ...right,
    prepare: (tokens) => ({
      inputs: tokens.slice(0, -1),
      targets: tokens.slice(0, -1),
      lossWeights: new Float32Array(12).fill(1),
    }),
  },
};

test.each(Object.entries(broken))("the case '%s' catches a wrong objective", (name, objective) => {
  const found = objectiveContract(() => objective, traits).find((c) => c.name === name);
  expect(found).toBeDefined();
  expect(() => found!.run()).toThrow(/expected|with the same seed|can be read/);
});
