// What the examples in docstrings take for granted.
import { tensor } from "@heed/tensor";
import type { AttentionTraits } from "../src/testing.ts";

export const keep = tensor([[1, 1, 0]], { dtype: "bool" });
export const traits: AttentionTraits = { oracle: ({ q, v }) => q.map(() => [...v[0]!]), limit: () => {} };
export const test = (name: string, run: () => void): number => name.length + run.length;
