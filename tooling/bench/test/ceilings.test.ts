import { expect, test } from "vitest";
import { ACCUMULATORS, ceilingModule, READ_BLOCK } from "../src/wasm-module.ts";

test("the ceilings' module computes what it says", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = ceilingModule(memory);
  // acc = 0.999 * 0.001 + acc, twice, in each accumulator; one lane of their sum.
  expect(exports.multiplyAdd(2)).toBeCloseTo(2 * 0.999e-3 * ACCUMULATORS, 6);
  const floats = new Float32Array(memory.buffer);
  floats.fill(1, 0, (2 * READ_BLOCK) / 4);
  floats[(2 * READ_BLOCK) / 4] = 1000;
  expect(exports.read(0, 2 * READ_BLOCK)).toBe((2 * READ_BLOCK) / 16);
  exports.copy(4096, 0, 8);
  expect([...floats.slice(1024, 1027)]).toEqual([1, 1, 0]);
});
