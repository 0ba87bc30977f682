// What the examples in docstrings take for granted.
import { ones, tensor } from "../src/index.ts";

export const w = tensor([1, 2, 3]);
export const E = 2;
export const qkv = ones([4, 3 * E]);
export const table = ones([5, 3]);
export const tokens = tensor([[0, 4]], { dtype: "int32" });
export const test = (_name: string, run: () => unknown): unknown => run();
