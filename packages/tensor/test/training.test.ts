import {
  adamwStep,
  add,
  type Backend,
  countBuffers,
  createReferenceBackend,
  createWasmBackend,
  crossEntropy,
  dropout,
  fromArray,
  gather,
  globalNorm,
  item,
  layerNorm,
  linear,
  minimum,
  normal,
  ones,
  permute,
  reciprocal,
  reshape,
  rng,
  scaledDotProductAttention,
  scope,
  split,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { afterAll, describe, expect, test } from "vitest";

const wasm = createWasmBackend({ threads: 2 });
afterAll(() => wasm?.close());

const backends: readonly (readonly [string, Backend | undefined])[] = [
  ["reference", createReferenceBackend()],
  ["wasm", wasm],
];

const [T, E, V] = [4, 8, 5];

/** One block of a transformer from functions of this package alone, on one sequence. */
function makeModel(backend: Backend) {
  useBackend(backend);
  const generator = rng(3);
  const weight = (...shape: number[]): Tensor => normal(shape, { rng: generator, std: 0.3 });
  const table = weight(V, E);
  const positions = weight(T, E);
  const [qkv, out, up, down, head] = [weight(3 * E, E), weight(E, E), weight(16, E), weight(E, 16), weight(V, E)];
  const [gain, bias] = [ones([E]), zeros([E])];
  const parameters = [table, positions, qkv, out, up, down, head, gain, bias];
  const tokens = fromArray(Int32Array.of(0, 1, 2, 3), [T]);
  const targets = fromArray(Int32Array.of(1, 2, 3, 4), [T]);
  const mask = tensor(
    [
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ],
    { dtype: "bool" },
  );
  const loss = (): Tensor => {
    const x = dropout(add(gather(table, tokens), positions), { rate: 0.1, rng: generator });
    const heads = permute(reshape(linear(layerNorm(x, { gain, bias }), qkv), [1, T, 6, E / 2]), [0, 2, 1, 3]);
    const [q, k, v] = split(heads, [2, 2, 2], { axis: 1 }) as [Tensor, Tensor, Tensor];
    const mixed = permute(scaledDotProductAttention(q, k, v, { mask }), [0, 2, 1, 3]);
    const y = add(x, linear(reshape(mixed, [T, E]), out));
    const z = add(y, linear(linear(layerNorm(y, { gain, bias }), up, undefined, { activation: "gelu" }), down));
    return crossEntropy(linear(layerNorm(z, { gain, bias }), head), targets);
  };
  const firstMoments = parameters.map((p) => zeros(p.shape));
  const secondMoments = parameters.map((p) => zeros(p.shape));
  const fill = (value: number): number[] => parameters.map(() => value);
  let step = 0;
  return (): number =>
    scope(() => {
      const { value, gradients } = valueAndGradients(loss, parameters);
      adamwStep({
        parameters,
        gradients,
        firstMoments,
        secondMoments,
        scale: minimum(reciprocal(globalNorm(gradients)), 1),
        learningRates: fill(3e-3),
        weightDecays: fill(0.01),
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        step: ++step,
      });
      return item(value);
    });
}

for (const [name, backend] of backends) {
  describe.skipIf(!backend)(`training on ${name}`, () => {
    test("1,000 steps: the loss falls, and as many buffers and bytes live as after 10", { timeout: 120_000 }, () => {
      const step = makeModel(backend!);
      const losses = Array.from({ length: 10 }, step);
      const early = countBuffers(backend!);
      for (let i = 10; i < 1000; i++) losses.push(step());
      expect(countBuffers(backend!)).toEqual(early);
      expect(losses[0]).toBeGreaterThan(1);
      expect(losses.at(-1)).toBeLessThan(0.1);
    });

    test("the same seed gives the same losses", () => {
      const run = (): number[] => {
        const step = makeModel(backend!);
        return Array.from({ length: 20 }, step);
      };
      expect(run()).toEqual(run());
    });
  });
}

test.skipIf(!wasm)("both backends give the same losses", () => {
  const [reference, fast] = backends.map(([, backend]) => makeModel(backend!));
  for (let i = 0; i < 30; i++) {
    const expected = reference!();
    expect(Math.abs(fast!() - expected)).toBeLessThan(1e-4 * Math.max(1, expected));
  }
});
