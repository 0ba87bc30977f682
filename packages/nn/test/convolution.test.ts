import {
  dataSync,
  fromArray,
  normal,
  pad,
  referenceBackend,
  reshape,
  rng,
  type Tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { CharacterCnn, Convolution, DilatedStack, reluActivation } from "../src/index.ts";

useBackend(referenceBackend());

const draw = (seed: number, shape: number[]): Tensor => normal(shape, { rng: rng(seed), dtype: "float64" });

interface Kernel {
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number | "causal";
  readonly numGroups: number;
}

/** y[b, t, o] = sum over the group's channels and the taps of w[o, c, k] x[b, t * stride + k * dilation - before, c]. */
function naive2d(x: Tensor, w: Tensor, { stride, dilation, padding, numGroups }: Kernel): number[] {
  const [B, R, C, I] = x.shape as [number, number, number, number];
  const [O, G, Ky, Kx] = w.shape as [number, number, number, number];
  const [xs, ws] = [dataSync(x), dataSync(w)];
  const sizes = (n: number, k: number) => {
    const before = padding === "causal" ? dilation * (k - 1) : padding;
    const all = n + before + (padding === "causal" ? 0 : padding);
    return { before, count: Math.floor((all - dilation * (k - 1) - 1) / stride) + 1 };
  };
  const [rows, columns] = [sizes(R, Ky), sizes(C, Kx)];
  const y: number[] = [];
  for (let b = 0; b < B; b++)
    for (let r = 0; r < rows.count; r++)
      for (let c = 0; c < columns.count; c++)
        for (let o = 0; o < O; o++) {
          let total = 0;
          const first = Math.floor(o / (O / numGroups)) * G;
          for (let g = 0; g < G; g++)
            for (let ky = 0; ky < Ky; ky++)
              for (let kx = 0; kx < Kx; kx++) {
                const [row, column] = [
                  r * stride + ky * dilation - rows.before,
                  c * stride + kx * dilation - columns.before,
                ];
                if (row < 0 || row >= R || column < 0 || column >= C) continue;
                total += ws[((o * G + g) * Ky + ky) * Kx + kx]! * xs[((b * R + row) * C + column) * I + first + g]!;
              }
          y.push(total);
        }
  return y;
}

const close = (y: Tensor, expected: readonly number[]): void => {
  expect(y.size).toBe(expected.length);
  dataSync(y).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 10));
};

test.each<Kernel>([
  { stride: 1, dilation: 1, padding: 0, numGroups: 1 },
  { stride: 2, dilation: 1, padding: 1, numGroups: 1 },
  { stride: 1, dilation: 2, padding: 2, numGroups: 2 },
  { stride: 2, dilation: 2, padding: "causal", numGroups: 4 },
])("one and two dimensions equal the naive loop: %o", (options) => {
  const weight = draw(1, [8, 4 / options.numGroups, 3, 2]);
  const x = draw(2, [2, 7, 6, 4]);
  close(new Convolution(weight, undefined, options).forward(x), naive2d(x, weight, options));
  const line = draw(3, [2, 9, 4]);
  const taps = draw(4, [8, 4 / options.numGroups, 3]);
  const rows = options.padding === "causal" ? [2 * options.dilation, 0] : [options.padding, options.padding];
  const longer = pad(line, [0, rows[0]!, 0], [0, rows[1]!, 0]);
  const asRows = reshape(longer, [2, longer.shape[1]!, 1, 4]);
  const expected = naive2d(asRows, reshape(taps, [...taps.shape, 1]), { ...options, padding: 0 });
  close(new Convolution(taps, undefined, options).forward(line), expected);
});

test("a causal convolution sees nothing later; a dilated stack sees its receptive field", () => {
  const layers = [1, 2, 4].map(
    (dilation, i) => new Convolution(draw(i, [2, 2, 2]), undefined, { dilation, padding: "causal" }),
  );
  const stack = new DilatedStack(layers, (x) => x);
  expect(stack.receptiveField).toBe(8);
  const values = Array.from(dataSync(draw(5, [1, 12, 2])));
  const run = (place: number) => {
    const changed = values.map((value, i) => (i === 2 * place ? value + 1 : value));
    return Array.from(dataSync(stack.forward(fromArray(changed, [1, 12, 2], { dtype: "float64" }))));
  };
  const [base, early, late] = [run(-1), run(3), run(4)];
  const differs = (a: number[], t: number) => [0, 1].some((c) => Math.abs(a[2 * t + c]! - base[2 * t + c]!) > 1e-9);
  expect([2, 3, 10, 11].map((t) => differs(early, t))).toEqual([false, true, true, false]);
  expect([3, 4, 11].map((t) => differs(late, t))).toEqual([false, true, true]);
});

test("a character CNN takes the largest value over places", () => {
  const convolutions = [1, 2].map((size) => new Convolution(draw(size, [3, 2, size])));
  const x = draw(6, [4, 5, 2]);
  const y = dataSync(new CharacterCnn(convolutions, reluActivation).forward(x));
  const one = dataSync(convolutions[0]!.forward(x));
  for (let n = 0; n < 4; n++)
    for (let c = 0; c < 3; c++) {
      const largest = Math.max(0, ...[0, 1, 2, 3, 4].map((t) => one[(n * 5 + t) * 3 + c]!));
      expect(y[n * 6 + c]).toBeCloseTo(largest, 12);
    }
});

test("names what does not fit", () => {
  expect(() => new Convolution(zeros([2, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Convolution: weight has shape [2, 2], expected [Cout, Cin / groups, K] or [Cout, Cin / groups, Ky, Kx]]`,
  );
  expect(() => new Convolution(zeros([2, 2, 3]), undefined, { stride: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Convolution: stride is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => new Convolution(zeros([3, 2, 3]), undefined, { numGroups: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Convolution: weight has Cout=3 in shape [3, 2, 3], expected a multiple of 2 groups]`,
  );
  expect(() => new Convolution(zeros([2, 2, 3])).forward(zeros([1, 5, 3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Convolution: x has shape [1, 5, 3], expected [B, T, 2] (from weight [2, 2, 3] and 1 groups)]`,
  );
});
