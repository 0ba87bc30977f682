// What the examples in docstrings take for granted.
import type { ObjectiveTraits } from "../src/testing.ts";

export const traits: ObjectiveTraits = {
  vocabSize: 16,
  lossRate: 1,
  readableInputs: ({ inputs }, t) => [...inputs.slice(0, t + 1)],
};
export const test = (name: string, run: () => void): number => name.length + run.length;
