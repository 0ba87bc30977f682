import type { Backend, Tensor } from "@heed/tensor";
import {
  add,
  arange,
  createReferenceBackend,
  createWasmBackend,
  crossEntropy,
  data,
  divide,
  equal,
  exp,
  expandDims,
  fromArray,
  gelu,
  layerNorm,
  less,
  log,
  logicalNot,
  logSoftmax,
  mean,
  multiply,
  negate,
  oneHot,
  relu,
  reshape,
  rmsNorm,
  rsqrt,
  select,
  sigmoid,
  silu,
  softmax,
  softplus,
  split,
  sqrt,
  subtract,
  sum,
  tanh,
  transpose,
  valueAndGradients,
  variance,
} from "@heed/tensor";
import type { GoldenArray, GoldenCase } from "@heed/test-tools";
import { expectGolden, golden } from "@heed/test-tools";
import { afterAll, describe, expect, test } from "vitest";

/** One recorded function: what it returns by output name. The first is what gradients are taken of. */
type Recorded = (inputs: Readonly<Record<string, Tensor>>, c: GoldenCase) => Readonly<Record<string, Tensor>>;

const elementwise =
  (f: (x: Tensor) => Tensor): Recorded =>
  ({ x }) => ({ output: f(x!) });
const gated =
  (f: (x: Tensor) => Tensor): Recorded =>
  ({ value, gate }) => ({ output: multiply(value!, f(gate!)) });

/** Of activations that we have no function for: what they compose to. */
const activations: Readonly<Record<string, Recorded>> = {
  gelu_exact: elementwise((x) => gelu(x)),
  gelu_tanh: elementwise((x) => gelu(x, { approximate: "tanh" })),
  gelu_new: elementwise((x) => gelu(x, { approximate: "tanh" })),
  quick_gelu: elementwise((x) => multiply(x, sigmoid(multiply(x, 1.702)))),
  relu: elementwise(relu),
  relu_squared: elementwise((x) => multiply(relu(x), relu(x))),
  silu: elementwise(silu),
  mish: elementwise((x) => multiply(x, tanh(softplus(x)))),
  softplus: elementwise(softplus),
  elu: elementwise((x) => select(less(x, 0), subtract(exp(select(less(x, 0), x, 0)), 1), x)),
  sigmoid: elementwise(sigmoid),
  tanh: elementwise(tanh),
  log_sigmoid: elementwise((x) => negate(softplus(negate(x)))),
  "leaky_relu_0.01": elementwise((x) => select(less(x, 0), multiply(x, 0.01), x)),
  glu({ x }) {
    const [value, gate] = split(x!, [5, 5], { axis: -1 });
    return { output: multiply(value!, sigmoid(gate!)) };
  },
  reglu: gated(relu),
  geglu_exact: gated((x) => gelu(x)),
  swiglu: gated(silu),
  softmax: elementwise((x) => softmax(x)),
  log_softmax: elementwise((x) => logSoftmax(x)),
};

const epsilonOf = ({ call }: GoldenCase): number => call["eps"] as number;
const rms: Recorded = ({ x, weight }, c) => ({ output: rmsNorm(x!, { gain: weight!, epsilon: epsilonOf(c) }) });
const layer: Recorded = ({ x, weight, bias }, c) => ({
  output: layerNorm(x!, { gain: weight!, bias: bias!, epsilon: epsilonOf(c) }),
});
const rows = { axes: -1, keepDims: true } as const;

const norms: Readonly<Record<string, Recorded>> = {
  layer_norm: layer,
  layer_norm_small: layer,
  rms_norm: rms,
  t5_layer_norm: rms,
  gemma_rms_norm: ({ x, weight }, c) => ({ output: rmsNorm(x!, { gain: add(weight!, 1), epsilon: epsilonOf(c) }) }),
  scale_norm: ({ x, g }) => ({
    output: multiply(multiply(x!, multiply(g!, Math.sqrt(12))), rsqrt(sum(multiply(x!, x!), rows))),
  }),
  layer_norm_annotated({ x, weight, bias }, c) {
    const spread = add(sqrt(variance(x!, { ...rows, correction: 1 })), epsilonOf(c));
    return { output: add(multiply(weight!, divide(subtract(x!, mean(x!, rows)), spread)), bias!) };
  },
  group_norm({ x, weight, bias }, c) {
    const normalized = reshape(layerNorm(reshape(x!, [2, 3, 12]), { epsilon: epsilonOf(c) }), [2, 12, 3]);
    return { output: add(multiply(normalized, reshape(weight!, [12, 1])), reshape(bias!, [12, 1])) };
  },
};

const diagonal = (n: number, backend: Backend): Tensor => arange(0, n, { backend });
const label = (x: Tensor, V: number): Tensor => oneHot(x, V, { dtype: "float32" });
const cosine = (a: Tensor, b: Tensor): Tensor => {
  const unit = (x: Tensor): Tensor => multiply(x, rsqrt(sum(multiply(x, x), rows)));
  return sum(multiply(unit(a), unit(b)), { axes: -1 });
};

const losses: Readonly<Record<string, Recorded>> = {
  cross_entropy: ({ logits, labels }) => ({ loss: crossEntropy(logits!, labels!) }),
  cross_entropy_ignore: ({ logits, labels }) => ({ loss: crossEntropy(logits!, labels!) }),
  cross_entropy_sum: ({ logits, labels }) => ({ loss: crossEntropy(logits!, labels!, { reduction: "sum" }) }),
  cross_entropy_weights: ({ logits, labels, weight }) => ({
    loss: crossEntropy(logits!, labels!, { weights: weight! }),
  }),
  label_smoothing_pytorch: ({ logits, labels }) => ({ loss: crossEntropy(logits!, labels!, { labelSmoothing: 0.1 }) }),
  label_smoothing_transformers: ({ logits, labels }) => ({
    loss: crossEntropy(logits!, labels!, { labelSmoothing: 0.1 }),
  }),
  /** eps goes to the other classes alone: with e' = eps V / (V - 1) of our smoothing the label keeps 1 - eps. */
  label_smoothing_fairseq: ({ logits, labels }) => ({
    loss: crossEntropy(logits!, labels!, { labelSmoothing: (0.1 * 9) / 8, ignoreIndex: 0, reduction: "sum" }),
    nll: crossEntropy(logits!, labels!, { ignoreIndex: 0, reduction: "sum" }),
  }),
  label_smoothing_annotated({ logits, labels }) {
    const V = 9;
    const share = 0.1 / (V - 2);
    const smooth = add(multiply(label(labels!, V), 0.9 - share), share);
    const target = multiply(
      multiply(smooth, subtract(1, label(fromArray([0], [], { dtype: "int32", backend: labels!.backend }), V))),
      countedRows(labels!),
    );
    const safe = select(less(0, target), target, 1);
    return { loss: sum(multiply(target, subtract(log(safe), logSoftmax(logits!)))) };
  },
  binary_cross_entropy: ({ logits, targets }) => ({
    loss: mean(subtract(softplus(logits!), multiply(logits!, targets!))),
  }),
  mean_squared_error({ logits, targets }) {
    const gap = subtract(logits!, targets!);
    return { loss: mean(multiply(gap, gap)) };
  },
  kl_divergence: ({ logits, targets }) => ({
    loss: divide(sum(multiply(targets!, subtract(log(targets!), logSoftmax(logits!)))), 6),
  }),
  contrastive({ logits }) {
    const labels = diagonal(6, logits!.backend);
    return { loss: divide(add(crossEntropy(logits!, labels), crossEntropy(transpose(logits!), labels)), 2) };
  },
  cosine_similarity: ({ a, b }) => ({ output: cosine(a!, b!) }),
};

/** 1 in rows whose label is not padding. */
const countedRows = (labels: Tensor): Tensor => {
  const counts = logicalNot(equal(labels, 0));
  return expandDims(select(counts, fromArray([1], [], { backend: labels.backend }), 0), -1);
};

const toTensor = ({ values, shape, dtype }: GoldenArray, backend: Backend): Tensor =>
  fromArray(values, shape, { dtype, backend });

async function check(c: GoldenCase, recorded: Recorded, backend: Backend): Promise<void> {
  const inputs = Object.fromEntries(Object.entries(c.inputs).map(([name, array]) => [name, toTensor(array, backend)]));
  for (const [name, output] of Object.entries(recorded(inputs, c)))
    expectGolden(await data(output), c.outputs[name], name);
  const wanted = Object.keys(c.grads).map((name) => name.replace("input:", ""));
  const { gradients } = valueAndGradients(
    () => {
      const [first] = Object.values(recorded(inputs, c));
      return sum(inputs["cotangent"] ? multiply(first!, inputs["cotangent"]) : first!);
    },
    wanted.map((name) => inputs[name]!),
  );
  expect(gradients).toHaveLength(Object.keys(c.grads).length);
  for (const [i, expected] of Object.values(c.grads).entries())
    expectGolden(await data(gradients[i]!), expected, `gradient of ${wanted[i]}`);
}

const backends: readonly (readonly [string, Backend | undefined])[] = [
  ["reference", createReferenceBackend()],
  ["wasm", createWasmBackend({ threads: 1 })],
];

for (const [name, backend] of backends) {
  for (const [fixture, functions] of Object.entries({
    "unit-activations": activations,
    "unit-norms": norms,
    "unit-losses": losses,
  })) {
    const recorded = golden(fixture);
    describe.skipIf(!recorded || !backend)(`${fixture} on ${name}`, () => {
      for (const c of recorded?.cases ?? []) {
        test(c.name, async () => {
          expect(Object.keys(functions)).toContain(c.name);
          await check(c, functions[c.name]!, backend!);
        });
      }
      afterAll(() => (backend as { close?: () => void } | undefined)?.close?.());
    });
  }
}
