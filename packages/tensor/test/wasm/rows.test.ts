import { describe, expect, test } from "vitest";
import * as heed from "../../src/index.ts";
import { expectNear, expectSameBitsOnThreads, floats, type Input, integers } from "./check.ts";
import { numbers } from "./harness.ts";

const shapes: readonly (readonly number[])[] = [
  [1, 1],
  [1, 3],
  [3, 1],
  [2, 4],
  [3, 7],
  [5, 8],
  [2, 3, 19],
  [33, 65],
  [2, 1030],
  [0, 5],
];

type Row = readonly number[];

/** f over the rows of inputs (all of one shape), joined. */
function overRows(inputs: readonly Input[], f: (...rows: Row[]) => number[]): number[] {
  const [{ shape, values }] = inputs as [Input];
  const n = shape.at(-1) as number;
  return Array.from({ length: values.length / n }, (_, row) =>
    f(...inputs.map((x) => [...x.values.slice(row * n, (row + 1) * n)])),
  ).flat();
}

const total = (row: Row): number => row.reduce((sum, value) => sum + value, 0);
const average = (row: Row): number => total(row) / row.length;

function softmax(row: Row): number[] {
  const most = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - most));
  return powers.map((power) => power / total(powers));
}

function logSoftmax(row: Row): number[] {
  const most = Math.max(...row);
  const rest = Math.log(total(row.map((x) => Math.exp(x - most))));
  return row.map((x) => x - most - rest);
}

/** Sum of g times the gradient of an output, with respect to the first input: what backward kernels compute. */
const gradientOf =
  (f: (...inputs: heed.Tensor[]) => heed.Tensor, wanted: number) =>
  (...tensors: heed.Tensor[]): readonly heed.Tensor[] => {
    const inputs = tensors.slice(0, -1);
    return heed.valueAndGradients(
      () => heed.sum(heed.multiply(f(...inputs), tensors.at(-1) as heed.Tensor)),
      inputs.slice(0, wanted),
    ).gradients;
  };

describe("softmax", () => {
  test.each(shapes)("of [%i, %i, ...] and its gradient", (...shape) => {
    const [x, g] = [floats(1, shape, 5), floats(2, shape)];
    expectNear(heed.softmax as never, [x], [overRows([x], softmax)], 3e-7);
    const backward = (p: Row, q: Row): number[] => {
      const y = softmax(p);
      const mean = total(y.map((v, i) => v * (q[i] as number)));
      return y.map((v, i) => v * ((q[i] as number) - mean));
    };
    expectNear(gradientOf((t) => heed.softmax(t), 1) as never, [x, g], [overRows([x, g], backward)], 6e-7);
  });

  test.each(shapes)("its logarithm, of [%i, %i, ...], and the gradient", (...shape) => {
    const [x, g] = [floats(1, shape, 5), floats(2, shape)];
    expectNear(heed.logSoftmax as never, [x], [overRows([x], logSoftmax)], 5e-7);
    const backward = (p: Row, q: Row): number[] => softmax(p).map((v, i) => (q[i] as number) - v * total(q));
    expectNear(gradientOf((t) => heed.logSoftmax(t), 1) as never, [x, g], [overRows([x, g], backward)], 5e-6);
  });

  test("of large, hidden and lost numbers", () => {
    const [inf, none] = [Number.POSITIVE_INFINITY, Number.NaN];
    const rows = [
      [1e4, 1e4 - 1, -1e4, 0, 3, 4, 5, 6, 7],
      [-inf, 1, -inf, 1, -inf, -inf, -inf, -inf, -inf],
      [3e38, -3e38, 0, 0, 0, 0, 0, 0, 0],
      [-inf, -inf, -inf, -inf, -inf, -inf, -inf, -inf, -inf],
      [1, 2, none, 4, 5, 6, 7, 8, 9],
      [1, 2, 3, 4, 5, 6, 7, 8, inf],
      [-1e4, -1e4, -1e4, -1e4, -1e4, -1e4, -1e4, -1e4, -1e4],
    ];
    const x: Input = { shape: [rows.length, 9], values: Float32Array.from(rows.flat()) };
    expectNear(heed.softmax as never, [x], [rows.flatMap((row) => softmax(row.map(Math.fround)))], 2e-7);
    expectNear(
      heed.logSoftmax as never,
      [x],
      [rows.flatMap((row) => logSoftmax(row.map(Math.fround)).map(Math.fround))],
      2e-7,
    );
  });
});

describe.each(["layerNorm", "rmsNorm"] as const)("%s", (name) => {
  const centered = name === "layerNorm";
  const epsilon = 1e-3;

  /** The normalized row, and the factor. */
  function normalize(row: Row): { h: number[]; factor: number } {
    const mean = centered ? average(row) : 0;
    const factor = 1 / Math.sqrt(average(row.map((x) => (x - mean) ** 2)) + epsilon);
    return { h: row.map((x) => (x - mean) * factor), factor };
  }

  test.each(shapes)("of [%i, %i, ...], its gradients, with and without bias", (...shape) => {
    const E = shape.at(-1) as number;
    const [x, gain, bias, g] = [floats(1, shape, 3), floats(2, [E]), floats(3, [E]), floats(4, shape)];
    const at = (row: Input, i: number): number => row.values[i] as number;
    const plain = overRows([x], (row) => normalize(row).h.map((h, i) => h * at(gain, i)));
    const run = (t: heed.Tensor, gain: heed.Tensor, bias?: heed.Tensor) =>
      centered ? heed.layerNorm(t, { gain, bias, epsilon }) : heed.rmsNorm(t, { gain, epsilon });
    expectNear(run as never, [x, gain], [plain], 2e-6);
    if (centered) expectNear(run as never, [x, gain, bias], [plain.map((y, i) => y + at(bias, i % E))], 2e-6);
    const dx = overRows([x, g], (row, q) => {
      const { h, factor } = normalize(row);
      const p = q.map((v, i) => v * at(gain, i));
      const [mean, slope] = [centered ? average(p) : 0, average(p.map((v, i) => v * (h[i] as number)))];
      return p.map((v, i) => (v - mean - (h[i] as number) * slope) * factor);
    });
    const [dgain, dbias] = [new Array<number>(E).fill(0), new Array<number>(E).fill(0)];
    const h = overRows([x], (row) => normalize(row).h);
    h.forEach((v, i) => {
      (dgain[i % E] as number) += v * at(g, i);
      (dbias[i % E] as number) += at(g, i);
    });
    if (x.values.length === 0) return;
    expectNear(gradientOf(run, 2) as never, [x, gain, g], [dx, dgain], 2e-5);
    if (centered) expectNear(gradientOf(run, 3) as never, [x, gain, bias, g], [dx, dgain, dbias], 2e-5);
  });

  test("of rows far from zero, constant rows, infinity and NaN", () => {
    const far = Float32Array.from(numbers(5, 64), (x) => 1e4 + x);
    const rows = [
      far,
      new Float32Array(64).fill(7),
      far.map((x, i) => (i === 9 ? Number.NaN : x)),
      far.map((x, i) => (i === 9 ? Number.POSITIVE_INFINITY : x)),
    ];
    const x: Input = { shape: [4, 64], values: Float32Array.from(rows.flatMap((row) => [...row])) };
    const gain: Input = { shape: [64], values: new Float32Array(64).fill(1) };
    const run = (t: heed.Tensor, gain: heed.Tensor) =>
      centered ? heed.layerNorm(t, { gain, epsilon }) : heed.rmsNorm(t, { gain, epsilon });
    expectNear(run as never, [x, gain], [overRows([x], (row) => normalize(row).h)], 1e-3);
  });
});

describe("softmax cross-entropy", () => {
  test.each([
    [1, 1],
    [3, 7],
    [5, 8],
    [9, 65],
    [2, 1030],
    [0, 4],
  ])("of [%i, %i]: smoothing, ignored targets, weights, gradient", (N, V) => {
    const [logits, g] = [floats(1, [N, V], 4), floats(2, [N])];
    const drawn = integers(3, [N], 1e6).values;
    const targets: Input = {
      shape: [N],
      values: Int32Array.from(drawn, (t, i) => (i % 4 === 1 ? -1 : Math.abs(t) % V)),
    };
    const weights = floats(4, [V]);
    for (const labelSmoothing of [0, 0.1, 1]) {
      for (const weighted of labelSmoothing === 0 ? [false, true] : [false]) {
        const row = (i: number): { loss: number; slopes: number[] } => {
          const t = targets.values[i] as number;
          const x = [...logits.values.slice(i * V, (i + 1) * V)];
          if (t < 0) return { loss: 0, slopes: x.map(() => 0) };
          const weight = weighted ? (weights.values[t] as number) : 1;
          const logs = logSoftmax(x);
          const loss = weight * (-(1 - labelSmoothing) * (logs[t] as number) - labelSmoothing * average(logs));
          const share = (j: number): number => (j === t ? 1 - labelSmoothing : 0) + labelSmoothing / V;
          return { loss, slopes: softmax(x).map((p, j) => weight * (g.values[i] as number) * (p - share(j))) };
        };
        const rows = Array.from({ length: N }, (_, i) => row(i));
        const loss = (x: heed.Tensor, t: heed.Tensor, w: heed.Tensor) =>
          heed.crossEntropy(x, t, {
            labelSmoothing,
            ignoreIndex: -1,
            reduction: "none",
            ...(weighted && { weights: w }),
          });
        expectNear(loss as never, [logits, targets, weights], [rows.map((r) => r.loss)], 1e-6);
        expectNear(gradientOf(loss, 1) as never, [logits, targets, weights, g], [rows.flatMap((r) => r.slopes)], 2e-6);
      }
    }
  });

  test("of logits at 1e4 and of hidden classes", () => {
    const inf = Number.POSITIVE_INFINITY;
    const rows = [
      [1e4, -1e4, 0, 0],
      [-1e4, 1e4, 1e4, 0],
      [0, -inf, 1, -inf],
      [Number.NaN, 1, 2, 3],
    ];
    const logits: Input = { shape: [4, 4], values: Float32Array.from(rows.flat()) };
    const targets: Input = { shape: [4], values: Int32Array.from([1, 2, 0, 0]) };
    const loss = (x: heed.Tensor, t: heed.Tensor) => heed.crossEntropy(x, t, { reduction: "none" });
    expectNear(
      loss as never,
      [logits, targets],
      [rows.map((row, i) => -(logSoftmax(row)[targets.values[i] as number] as number))],
      2e-7,
    );
  });
});

test("the same bits on one, two and three threads", () => {
  const shape = [1200, 65];
  const [x, g, gain, bias] = [floats(1, shape), floats(2, shape), floats(3, [65]), floats(4, [65])];
  expectSameBitsOnThreads((t) => [heed.softmax(t), heed.logSoftmax(t)], x);
  expectSameBitsOnThreads(
    gradientOf((t) => heed.softmax(t), 1),
    x,
    g,
  );
  expectSameBitsOnThreads(
    gradientOf((t, gain, bias) => heed.layerNorm(t, { gain: gain as heed.Tensor, bias }), 3),
    x,
    gain,
    bias,
    g,
  );
  expectSameBitsOnThreads(
    gradientOf((t, gain) => heed.rmsNorm(t, { gain: gain as heed.Tensor }), 2),
    x,
    gain,
    g,
  );
  const targets: Input = {
    shape: [1200],
    values: Int32Array.from(integers(5, [1200], 1e6).values, (t) => Math.abs(t) % 65),
  };
  expectSameBitsOnThreads((t, q) => heed.valueAndGradients(() => heed.crossEntropy(t, q), [t]).gradients, x, targets);
  expect.hasAssertions();
});
