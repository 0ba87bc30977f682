import { normalInit } from "@heed/nn";
import {
  arange,
  type Backend,
  createWasmBackend,
  dataSync,
  multiply,
  referenceBackend,
  rng,
  sum,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { type AttentionFn, causal } from "../src/index.ts";
import { everyAttention } from "../src/testing/every-attention.ts";
import { expectClose } from "../src/testing.ts";

const wasm = createWasmBackend();

/** Output, gradients and probs of one causal call with 7 tokens in float32, with noise where a function takes it. */
function run(backend: Backend, make: (typeof everyAttention)[string]): number[][] {
  return withBackend(backend, () => {
    const init = normalInit({ std: 1, rng: rng(121) });
    const attention: AttentionFn = make(init);
    const [q, k, v, weights] = [init([2, 4, 7, 4]), init([2, 2, 7, 4]), init([2, 2, 7, 4]), init([2, 4, 7, 4])];
    const mask = causal()(arange(0, 7), arange(0, 7));
    const call = () => attention(q, k, v, { mask, rng: rng(5) });
    const { gradients } = valueAndGradients(() => sum(multiply(call(), weights)), [q, k, v]);
    let probs: number[] = [];
    attention(q, k, v, { mask, observe: (view) => (probs = Array.from(dataSync(view.probs))) });
    return [Array.from(dataSync(call())), ...gradients.map((gradient) => Array.from(dataSync(gradient))), probs];
  });
}

describe.skipIf(!wasm)("WebAssembly computes what the reference computes, in float32", () => {
  test.each(Object.entries(everyAttention))("%s", (_, make) => {
    const [expected, actual] = [run(referenceBackend(), make), run(wasm!, make)];
    ["output", "gradient of q", "gradient of k", "gradient of v", "probs"].forEach((what, i) => {
      const largest = Math.max(1, ...expected[i]!.map(Math.abs));
      expectClose(what, actual[i]!, expected[i]!, 1e-5 * largest);
    });
    expect(expected[4]!.length).toBe(2 * 4 * 49);
  });
});
