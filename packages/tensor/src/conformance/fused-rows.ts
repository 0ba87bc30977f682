import { crossEntropy } from "../functions/cross-entropy.ts";
import { gelu } from "../functions/gelu.ts";
import { globalNorm } from "../functions/global-norm.ts";
import { layerNorm } from "../functions/layer-norm.ts";
import { type LinearActivation, linear } from "../functions/linear.ts";
import { relu } from "../functions/relu.ts";
import { rmsNorm } from "../functions/rms-norm.ts";
import { sigmoid, softplus } from "../functions/sigmoid.ts";
import { silu } from "../functions/silu.ts";
import { logSoftmax, logSumExp, softmax } from "../functions/softmax.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { attentionSamples } from "./attention-rows.ts";
import { erfByIntegration, unarySamples } from "./elementwise-samples.ts";
import { inPlaceRows } from "./in-place-rows.ts";
import { count, float, given, indices, type Plain, type Sample } from "./sample.ts";

const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));
const geluOf = (x: number): number => (x * (1 + erfByIntegration(x / Math.SQRT2))) / 2;
const geluTanhOf = (x: number): number => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;
const siluOf = (x: number): number => x * sigmoidOf(x);
const noLimit = { far: true, undefinedAt: -Infinity };
const reluOf = (x: number): number => (x !== x ? NaN : Math.max(0, x));

/** Applies a formula to each row of the last axis. */
function byRow(x: readonly number[], width: number, formula: (row: readonly number[]) => readonly number[]): number[] {
  return Array.from({ length: width > 0 ? x.length / width : 0 }, (_, row) =>
    formula(x.slice(row * width, (row + 1) * width)),
  ).flat();
}

const logSumExpOf = (row: readonly number[]): number => {
  const largest = Math.max(...row);
  return largest + Math.log(row.reduce((total, x) => total + Math.exp(x - largest), 0));
};

const rowShapes: readonly Shape[] = [
  [1],
  [7],
  [1, 1],
  [5, 3],
  [3, 17],
  [2, 3, 67],
  [13, 129],
  [1, 1031],
  [67, 1031],
  [0, 3],
  [3, 0],
];

function rowSamples(
  name: string,
  f: (x: Tensor) => Tensor,
  formula: (row: readonly number[]) => readonly number[],
): Sample[] {
  const sample = (title: string, input: Plain, gradient: boolean): Sample => ({
    name: `${name} ${title}`,
    inputs: [input],
    run: ([x]) => f(x!),
    expected: ([x]) => [byRow(x!, input.shape.at(-1)!, formula)],
    gradient,
  });
  const large = [1e4, -1e4, 0, 9999, 1e4, -Infinity, 3, 2, 1, NaN, 0, 1, Infinity, 0, 1];
  return [
    ...rowShapes.map((shape) => sample(`[${shape.join(", ")}]`, float(name, shape, -4, 4), count(shape) > 0)),
    sample("of large values, NaN and infinity", given(large, [5, 3]), false),
  ];
}

const linearActivations: Readonly<Record<LinearActivation, (x: number) => number>> = {
  none: (x) => x,
  relu: reluOf,
  gelu: geluOf,
  geluTanh: geluTanhOf,
  silu: siluOf,
};

function linearSamples(): Sample[] {
  const sample = (N: Shape, K: number, O: number, biased: boolean, activation: LinearActivation): Sample => ({
    name: `linear ${activation} [${[...N, K].join(", ")}] x [${O}, ${K}]${biased ? " + bias" : ""}`,
    inputs: [
      float("linear x", [...N, K], -1, 1),
      float("linear weight", [O, K], -1, 1),
      ...(biased ? [float("linear bias", [O])] : []),
    ],
    run: ([x, weight, bias]) => linear(x!, weight!, bias, { activation }),
    expected: ([x, weight, bias]) => [
      Array.from({ length: count(N) * O }, (_, i) => {
        const [n, o] = [Math.floor(i / O), i % O];
        let total = bias?.[o] ?? 0;
        for (let k = 0; k < K; k++) total += x![n * K + k]! * weight![o * K + k]!;
        return linearActivations[activation](total);
      }),
    ],
    gradient: count(N) * K * O > 0,
    scale: Math.sqrt(Math.max(1, K, count(N), O)),
  });
  const names = Object.keys(linearActivations) as LinearActivation[];
  return [
    ...names.flatMap((activation) => [
      sample([5], 7, 3, true, activation),
      sample([3], 4, 5, false, activation),
      sample([13, 7], 67, 33, true, activation),
    ]),
    sample([], 3, 4, true, "none"),
    sample([1], 1, 1, true, "relu"),
    sample([0], 3, 4, true, "gelu"),
    sample([2, 3], 17, 129, false, "none"),
    sample([131], 65, 67, true, "silu"),
    sample([517], 129, 131, true, "geluTanh"),
  ];
}

function normSamples(
  name: string,
  f: (x: Tensor, gain: Tensor | undefined, bias: Tensor | undefined) => Tensor,
  centered: boolean,
  withBias: boolean,
  withGain = true,
): Sample[] {
  const formula = (
    row: readonly number[],
    gain: readonly number[] | undefined,
    bias: readonly number[] | undefined,
  ): number[] => {
    const middle = centered ? row.reduce((total, x) => total + x, 0) / row.length : 0;
    const spread = Math.sqrt(row.reduce((total, x) => total + (x - middle) ** 2, 0) / row.length + 1e-5);
    return row.map((x, i) => ((x - middle) / spread) * (gain?.[i] ?? 1) + (bias?.[i] ?? 0));
  };
  const sample = (shape: Shape, low: number, high: number): Sample => {
    const E = shape.at(-1)!;
    return {
      name: `${name} [${shape.join(", ")}] in ${low}..${high}${withGain ? " gain" : ""}${withBias ? " bias" : ""}`,
      inputs: [
        float(name, shape, low, high),
        ...(withGain ? [float("gain", [E])] : []),
        ...(withBias ? [float("bias", [E])] : []),
      ],
      run: (inputs) => f(inputs[0]!, withGain ? inputs[1] : undefined, withBias ? inputs[withGain ? 2 : 1] : undefined),
      expected: (inputs) => [
        byRow(inputs[0]!, E, (row) =>
          formula(row, withGain ? inputs[1] : undefined, withBias ? inputs[withGain ? 2 : 1] : undefined),
        ),
      ],
      gradient: count(shape) > 0 && shape.at(-1)! > 1 && high < 10,
      scale: 10,
    };
  };
  return [
    ...rowShapes.filter((shape) => shape.at(-1)! > 0).map((shape) => sample(shape, -2, 2)),
    sample([3, 67], -1e4, 1e4),
  ];
}

type Smoothing = { readonly labelSmoothing?: number; readonly ignoreIndex?: number };

function crossEntropySamples(): Sample[] {
  const sample = (
    title: string,
    logits: Plain,
    targets: Plain,
    options: Smoothing,
    weighted: boolean,
    reduction: "none" | "mean" | "sum",
    gradient = true,
  ): Sample => {
    const V = logits.shape.at(-1)!;
    const { labelSmoothing: s = 0, ignoreIndex = -100 } = options;
    return {
      name: `crossEntropy ${title} ${reduction}`,
      inputs: [logits, targets, ...(weighted ? [float("class weights", [V], 0.2, 2)] : [])],
      run: ([x, t, weights]) => crossEntropy(x!, t!, { ...options, weights, reduction }),
      expected([x, t, weights]) {
        let divisor = 0;
        const losses = t!.map((target, row) => {
          if (target === ignoreIndex) return 0;
          const scores = x!.slice(row * V, (row + 1) * V);
          const norm = logSumExpOf(scores);
          const weight = (v: number): number => weights?.[v] ?? 1;
          divisor += weight(target);
          const spread = scores.reduce((total, score, v) => total + weight(v) * (norm - score), 0) / V;
          return (1 - s) * weight(target) * (norm - scores[target]!) + (s === 0 ? 0 : s * spread);
        });
        const total = losses.reduce((sum, loss) => sum + loss, 0);
        return [reduction === "none" ? losses : [reduction === "sum" ? total : total / divisor]];
      },
      gradient,
      scale: 2,
    };
  };
  const logits = float("logits", [7, 5], -3, 3);
  const some = given([0, -100, 4, 2, -100, 1, 3], [7], "int32");
  const all = indices("targets", [7], 5);
  return [
    sample("[7, 5]", logits, all, {}, false, "none"),
    sample("[7, 5]", logits, all, {}, false, "mean"),
    sample("[7, 5]", logits, all, {}, false, "sum"),
    sample("ignored", logits, some, {}, false, "none"),
    sample("ignored", logits, some, {}, false, "mean"),
    sample("ignore 2", logits, all, { ignoreIndex: 2 }, false, "mean"),
    sample("smoothed", logits, some, { labelSmoothing: 0.1 }, false, "mean"),
    sample("weighted", logits, some, {}, true, "mean"),
    sample("weighted", logits, some, {}, true, "none"),
    sample("weighted, smoothed", logits, some, { labelSmoothing: 0.3 }, true, "mean"),
    sample(
      "[2, 3, 67]",
      float("logits", [2, 3, 67], -3, 3),
      indices("targets", [2, 3], 67),
      { labelSmoothing: 0.05 },
      false,
      "none",
    ),
    sample("[13, 129]", float("logits", [13, 129], -9, 9), indices("targets", [13], 129), {}, false, "mean"),
    sample("[3, 1031]", float("logits", [3, 1031], -9, 9), indices("targets", [3], 1031), {}, false, "mean"),
    sample(
      "[67, 1031]",
      float("logits", [67, 1031], -9, 9),
      indices("targets", [67], 1031),
      { labelSmoothing: 0.1 },
      false,
      "mean",
    ),
    sample("one class", float("logits", [3, 1]), given([0, 0, 0], [3], "int32"), {}, false, "none"),
    sample("no rows", float("logits", [0, 5]), given([], [0], "int32"), {}, false, "none", false),
    sample("large", given([1e4, -1e4, 0, -1e4, 1e4, 0], [2, 3]), given([1, 1], [2], "int32"), {}, false, "none", false),
    sample(
      "impossible classes",
      given([0, -Infinity, 1, 2, -Infinity, -Infinity], [2, 3]),
      given([2, 0], [2], "int32"),
      {},
      false,
      "none",
      false,
    ),
  ];
}

function globalNormSamples(): Sample[] {
  const sample = (...shapes: readonly Shape[]): Sample => ({
    name: `globalNorm of ${shapes.map((shape) => `[${shape.join(", ")}]`).join(" ")}`,
    inputs: shapes.map((shape, i) => float(`norm ${i}`, shape)),
    run: (inputs) => globalNorm(inputs),
    expected: (inputs) => [[Math.sqrt(inputs.flat().reduce((total, x) => total + x * x, 0))]],
    gradient: true,
  });
  return [
    sample([1]),
    sample([]),
    sample([67], [3, 5], []),
    sample([0], [13]),
    sample([129, 17], [1031]),
    sample([100003], [7]),
  ];
}

/** The rows of fused operations and of a few compositions that have formulas of their own. */
export const fusedRows = () =>
  ({
    gelu: [
      ...unarySamples("gelu", (x) => gelu(x), geluOf, noLimit),
      ...unarySamples("gelu tanh", (x) => gelu(x, { approximate: "tanh" }), geluTanhOf, { ...noLimit, large: true }),
    ],
    silu: unarySamples("silu", silu, siluOf, noLimit),
    relu: unarySamples("relu", relu, reluOf),
    sigmoid: unarySamples("sigmoid", sigmoid, sigmoidOf, { far: true }),
    softplus: unarySamples("softplus", softplus, (x) => (x > 30 ? x : Math.log1p(Math.exp(x))), { far: true }),
    softmax: rowSamples(
      "softmax",
      (x) => softmax(x),
      (row) => {
        const norm = logSumExpOf(row);
        return row.map((x) => Math.exp(x - norm));
      },
    ),
    logSoftmax: rowSamples(
      "logSoftmax",
      (x) => logSoftmax(x),
      (row) => {
        const norm = logSumExpOf(row);
        return row.map((x) => x - norm);
      },
    ),
    logSumExp: rowSamples(
      "logSumExp",
      (x) => logSumExp(x, { axes: -1 }),
      (row) => [row.includes(NaN) ? NaN : row.includes(Infinity) ? Infinity : logSumExpOf(row)],
    ).filter(({ inputs }) => inputs[0]!.shape.at(-1)! > 0),
    layerNorm: [
      ...normSamples("layerNorm", (x, gain, bias) => layerNorm(x, { gain, bias }), true, true),
      ...normSamples("layerNorm", (x, gain) => layerNorm(x, { gain }), true, false),
      ...normSamples("layerNorm", (x) => layerNorm(x), true, false, false),
    ],
    rmsNorm: [
      ...normSamples("rmsNorm", (x, gain) => rmsNorm(x, { gain }), false, false),
      ...normSamples("rmsNorm", (x) => rmsNorm(x), false, false, false),
    ],
    linear: linearSamples(),
    softmaxCrossEntropy: crossEntropySamples(),
    scaledDotProductAttention: attentionSamples(),
    globalNorm: globalNormSamples(),
    ...inPlaceRows(),
  }) satisfies Record<string, Sample[]>;
