// What the examples in docstrings take for granted.
import { sinusoidal } from "../src/index.ts";
import type { PositionTraits } from "../src/testing.ts";

export const traits: PositionTraits = {
  width: 4,
  relative: false,
  maxSeqLen: 100,
  other: () => sinusoidal({ base: 20 }),
  published: [],
};
export const test = (name: string, run: () => void): number => name.length + run.length;
