import {
  attention,
  GateSequence,
  type HeadGate,
  HeadScale,
  type KeyValueMemory,
  LearnedMemory,
  l2Norm,
  MultiHeadAttention,
  NormalizedProjection,
  OutputGate,
  type Projection,
  SeparateProjection,
  zeroMemory,
} from "@heed/attention";
import { gated, Linear, type Norm, sigmoidActivation, siluActivation } from "@heed/nn";
import { add, concatenate, multiply, reshape, split, type Tensor } from "@heed/tensor";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { checkWeights, numberOf, numHeadsOf, numKvHeadsOf, refusal } from "./attention-variants-options.ts";
import { maskOf, scoreOf, weighingOf } from "./attention-variants-weighing.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Weights = Readonly<Record<string, Tensor>>;

const linear = (weights: Weights, name: string): Linear =>
  new Linear(weights[`${name}.weight`]!, weights[`${name}.bias`]);

/** Each of `numGroups` runs of channels gets length 1, then every channel its gain. */
const groupedL2Norm = (numGroups: number, gain?: Tensor): Norm => ({
  forward(x) {
    const groups = reshape(x, [...x.shape.slice(0, -1), numGroups, x.shape.at(-1)! / numGroups]);
    const y = reshape(l2Norm().forward(groups), x.shape);
    return gain ? multiply(y, gain) : y;
  },
});

/**
 * Weights of key/value heads in the order of the query heads they serve: here query head h reads key/value head h mod G.
 * One head serves all as it is, unless gains tell its keys apart.
 */
function kvHeads(golden: GoldenCase, weights: Weights): Weights {
  const [H, G] = [numHeadsOf(golden), numKvHeadsOf(golden)];
  if (G === H || (G === 1 && !weights["qk_norm_k_scale"])) return weights;
  const names = ["to_k.weight", "to_v.weight", "to_r.weight", "mem_k", "mem_v"].filter((name) => weights[name]);
  const repeat = (x: Tensor): Tensor => concatenate(new Array<Tensor>(H / G).fill(x), { axis: 0 });
  return { ...weights, ...Object.fromEntries(names.map((name) => [name, repeat(weights[name]!)])) };
}

function projectionOf(golden: GoldenCase, weights: Weights): Projection {
  const { call } = golden;
  const [H, query, key] = [numHeadsOf(golden), linear(weights, "to_q"), linear(weights, "to_k")];
  const projection = new SeparateProjection({
    query,
    key,
    value: call["shared_kv"] ? key : linear(weights, "to_v"),
    numHeads: H,
    numKvHeads: (key.dOut * H) / query.dOut,
  });
  if (!call["qk_norm"]) return projection;
  const numGroups = numberOf(golden, "qk_norm_groups") ?? 1;
  const norm = (gain: string): Norm => groupedL2Norm(numGroups, weights[gain]);
  return new NormalizedProjection({ projection, query: norm("qk_norm_q_scale"), key: norm("qk_norm_k_scale") });
}

/** Learned memories are next to the sequence, the zeros before them. */
function memoriesOf({ call }: GoldenCase, weights: Weights): KeyValueMemory[] {
  const [keys, values] = [weights["mem_k"], weights["mem_v"]];
  // in the reference the groups of qk_norm do not reach the memory
  const norm = call["qk_norm"] ? groupedL2Norm(1, weights["qk_norm_k_scale"]) : undefined;
  const learned = keys && values ? [new LearnedMemory({ keys: norm?.forward(keys) ?? keys, values })] : [];
  return call["add_zero_kv"] ? [...learned, zeroMemory({ side: "before" })] : learned;
}

function gateOf(golden: GoldenCase, weights: Weights): HeadGate {
  const { call } = golden;
  const roles = (): Tensor => {
    const weight = weights["to_r.weight"]!;
    const width = weights[call["on_attn"] ? "to_out.0.weight" : "to_out.weight"]!.shape[1]!;
    // the one key/value head has one role, for all query heads
    return concatenate(new Array<Tensor>(width / weight.shape[0]!).fill(weight), { axis: 0 });
  };
  const activation = call["swiglu_values"] ? siluActivation : sigmoidActivation;
  return new GateSequence([
    ...(call["tensor_product"]
      ? [new OutputGate({ projection: new Linear(roles()), activation: (role) => add(role, 1) })]
      : []),
    ...(call["head_scale"]
      ? [new HeadScale({ scale: reshape(weights["head_scale_params"]!, [numHeadsOf(golden)]) })]
      : []),
    ...(call["gate_value_heads"] ? [new OutputGate({ projection: linear(weights, "to_v_head_gate") })] : []),
    ...(call["gate_values"] ? [new OutputGate({ projection: linear(weights, "to_v_gate"), activation })] : []),
  ]);
}

/** Attention on attention: the layer gives values and gates for them, side by side. */
function glu(y: Tensor): Tensor {
  const half = y.shape.at(-1)! / 2;
  const [value, gate] = split(y, [half, half], { axis: -1 }) as [Tensor, Tensor];
  return gated(value, gate, sigmoidActivation);
}

function forward(golden: GoldenCase, leaves: Weights, x: Tensor, keys: Tensor): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  const weights = kvHeads(golden, leaves);
  const layer = new MultiHeadAttention({
    projection: projectionOf(golden, weights),
    output: linear(weights, golden.call["on_attn"] ? "to_out.0" : "to_out"),
    attention: attention({
      score: scoreOf(golden, weights),
      weigh: weighingOf(golden, weights, (probs) => (found["attention"] = probs)),
    }),
    memories: memoriesOf(golden, weights),
    gate: gateOf(golden, weights),
  });
  const mask = maskOf(golden, keys.shape[1]!, x.shape[1]!);
  const heads = layer.forward(x, { context: keys, mask });
  const output = golden.call["on_attn"] ? glu(heads) : heads;
  layer.forward(x, { context: keys, mask, observe: ({ probs }) => (found["attention"] ??= probs) });
  const padded = golden.inputs.get("mask");
  // the reference sets the rows of padded queries to zero
  const rows = padded && reshape(float32(padded), [...padded.shape, 1]);
  return { ...found, output: rows ? multiply(output, rows) : output };
}

function run(golden: GoldenCase, weights: ReadonlyMap<string, GoldenArray>) {
  checkWeights(golden, weights);
  const leaves = Object.fromEntries([...weights].map(([name, array]) => [name, float32(array)]));
  const optional = ["context", "mem"].flatMap((name) => {
    const given = golden.inputs.get(name);
    return given ? [[name, float32(given)] as const] : [];
  });
  const { context, mem } = Object.fromEntries(optional) as { readonly context?: Tensor; readonly mem?: Tensor };
  const x = float32(inputOf(golden, "x"));
  return compute(golden, {
    leaves: {
      ...leaves,
      "input:x": x,
      ...Object.fromEntries(optional.map(([name, tensor]) => [`input:${name}`, tensor])),
    },
    forward: () => {
      const source = context ?? x;
      return forward(golden, leaves, x, mem ? concatenate([mem, source], { axis: 1 }) : source);
    },
  });
}

/**
 * `unit-attention-variants`: the layer of x-transformers 1.30.
 *
 * Refused are most options of later versions and what no fixture can hold: modules and tuples given to forward, such as
 * `rel_pos` and `rotary_pos_emb`.
 */
export const runAttentionVariants: UnitRunner = { refuses: refusal, run };
