import {
  add,
  type Backend,
  createReferenceBackend,
  createWasmBackend,
  crossEntropy,
  dataSync,
  exp,
  fromArray,
  gather,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  matmul,
  multiply,
  relu,
  reshape,
  rmsNorm,
  scaledDotProductAttention,
  silu,
  softmax,
  sum,
  type Tensor,
  tanh,
  valueAndGradients,
} from "@heed/tensor";
import { tolerances } from "@heed/tensor/testing";
import { afterAll, describe, expect, test } from "vitest";

const wasm = createWasmBackend({ threads: 1 });
afterAll(() => wasm?.close());

const wave = (shape: readonly number[], phase: number): number[] =>
  Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => Math.sin(2.3 * i + phase));

/** Functions of x [3, 4], w [4, 4] and g [4] that fused kernels compute, forward and backward. */
const functions: Readonly<Record<string, (x: Tensor, w: Tensor, g: Tensor) => Tensor>> = {
  gelu: (x) => sum(exp(gelu(x))),
  "gelu tanh": (x) => sum(exp(gelu(x, { approximate: "tanh" }))),
  silu: (x) => sum(exp(silu(x))),
  relu: (x) => sum(exp(relu(x))),
  softmax: (x, w) => sum(multiply(softmax(x), matmul(x, w))),
  logSoftmax: (x) => sum(multiply(logSoftmax(x), x)),
  layerNorm: (x, w, g) => sum(exp(layerNorm(matmul(x, w), { gain: g, bias: tanh(g) }))),
  rmsNorm: (x, w, g) => sum(exp(rmsNorm(matmul(x, w), { gain: g }))),
  linear: (x, w, g) => sum(exp(linear(x, w, g))),
  "linear gelu": (x, w, g) => sum(exp(linear(x, w, g, { activation: "gelu" }))),
  "linear geluTanh twice": (x, w, g) =>
    sum(linear(linear(x, w, g, { activation: "geluTanh" }), w, g, { activation: "geluTanh" })),
  "linear silu": (x, w, g) => sum(multiply(linear(x, w, g, { activation: "silu" }), x)),
  "cross-entropy": (x, w) =>
    crossEntropy(matmul(x, w), fromArray(Int32Array.of(1, 3, -100), [3], { backend: x.backend }), {
      labelSmoothing: 0.1,
    }),
  gather: (x) => sum(exp(gather(x, fromArray(Int32Array.of(2, 0, 2), [3], { backend: x.backend })))),
  attention: (x, w, g) => {
    const [q, k, v] = [x, add(x, g), matmul(x, w)].map((y) => reshape(y, [1, 2, 3, 2])) as [Tensor, Tensor, Tensor];
    const mask = fromArray(Uint8Array.of(1, 0, 0, 1, 1, 0, 1, 1, 1), [3, 3], { backend: x.backend });
    return sum(exp(scaledDotProductAttention(q, k, v, { mask })));
  },
};

/** Gradients of the weighted sum of gradients. */
function secondGradients(f: (typeof functions)[string], backend: Backend, dtype: "float32" | "float64"): number[][] {
  const make = (shape: number[], phase: number): Tensor => fromArray(wave(shape, phase), shape, { backend, dtype });
  const inputs = [make([3, 4], 0), make([4, 4], 1), make([4], 2)] as [Tensor, Tensor, Tensor];
  const weights = [make([3, 4], 3), make([4, 4], 4), make([4], 5)];
  const { gradients } = valueAndGradients(() => {
    const { gradients: first } = valueAndGradients(() => f(...inputs), inputs);
    return first.map((g, i) => sum(multiply(g, weights[i]!))).reduce((total, part) => add(total, part));
  }, inputs);
  return gradients.map((gradient) => [...dataSync(gradient)]);
}

describe.skipIf(!wasm)("gradients of gradients through WebAssembly kernels equal the reference's", () => {
  for (const [name, f] of Object.entries(functions)) {
    test(name, () => {
      const got = secondGradients(f, wasm!, "float32");
      const expected = secondGradients(f, createReferenceBackend(), "float64");
      got.forEach((gradient, i) => {
        const largest = Math.max(1, ...expected[i]!.map(Math.abs));
        for (const [j, value] of gradient.entries()) {
          expect(Math.abs(value - expected[i]![j]!) / largest).toBeLessThan(tolerances.acrossBackends);
        }
      });
    });
  }
});
