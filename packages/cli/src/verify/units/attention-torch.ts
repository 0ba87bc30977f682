import {
  FusedProjection,
  type KeyValueMemory,
  LearnedMemory,
  MultiHeadAttention,
  type Projection,
  padding,
  SeparateProjection,
  softmaxAttention,
  zeroMemory,
} from "@heed/attention";
import { Linear } from "@heed/nn";
import { arange, logicalAnd, logicalNot, mean, permute, reshape, slice, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { outputAndProbs } from "./attention.ts";
import { bool, compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Weights = Readonly<Record<string, Tensor>>;

const headsOf = ({ call }: GoldenCase): number => Number(call["num_heads"]);

/** One weight for all three, or one each where keys and values have widths of their own. */
function projectionOf(golden: GoldenCase, weights: Weights): Projection {
  const numHeads = headsOf(golden);
  const bias = weights["in_proj_bias"];
  const fused = weights["in_proj_weight"];
  if (fused) return new FusedProjection({ qkv: new Linear(fused, bias), numHeads });
  const layer = (name: string, third: number): Linear => {
    const weight = weights[name]!;
    const E = weight.shape[0]!;
    return new Linear(weight, bias && slice(bias, [third * E], [E]));
  };
  return new SeparateProjection({
    query: layer("q_proj_weight", 0),
    key: layer("k_proj_weight", 1),
    value: layer("v_proj_weight", 2),
    numHeads,
  });
}

/** add_bias_kv and add_zero_attn, in this order after the keys. */
function memoriesOf(golden: GoldenCase, weights: Weights): KeyValueMemory[] {
  const H = headsOf(golden);
  // [1, 1, H D] -> [H, 1, D]
  const byHead = (x: Tensor): Tensor => reshape(x, [H, 1, x.size / H]);
  const learned = weights["bias_k"] && {
    keys: byHead(weights["bias_k"]),
    values: byHead(weights["bias_v"]!),
  };
  return [
    ...(learned ? [new LearnedMemory({ ...learned, side: "after" })] : []),
    ...(golden.call["add_zero_attn"] === true ? [zeroMemory()] : []),
  ];
}

/** PyTorch's masks say who may NOT attend, or are added. */
function masksOf(golden: GoldenCase, T: number, S: number): { mask?: Tensor; bias?: Tensor } {
  const given = golden.inputs.get("attn_mask");
  const padded = golden.inputs.get("key_padding_mask");
  const keys = padded && padding(logicalNot(bool(padded)))(arange(0, T), arange(0, S));
  if (!given) return keys ? { mask: keys } : {};
  const shaped = (x: Tensor): Tensor =>
    x.shape.length === 3 ? reshape(x, [x.shape[0]! / headsOf(golden), headsOf(golden), T, S]) : x;
  if (!isBool(given)) return { bias: shaped(float32(given)), ...(keys && { mask: keys }) };
  const seen = logicalNot(shaped(bool(given)));
  return { mask: keys ? logicalAnd(seen, keys) : seen };
}

const isBool = ({ values }: GoldenArray): boolean => values instanceof Uint8Array;

function forward(golden: GoldenCase, leaves: Weights): Record<string, Tensor> {
  const query = leaves["input:query"]!;
  const context = leaves["input:key"] ?? query;
  const valueContext = leaves["input:value"] ?? context;
  const layer = new MultiHeadAttention({
    projection: projectionOf(golden, leaves),
    output: new Linear(leaves["out_proj.weight"]!, leaves["out_proj.bias"]),
    attention: softmaxAttention(),
    memories: memoriesOf(golden, leaves),
  });
  const masks = masksOf(golden, query.shape[1]!, context.shape[1]!);
  const found = outputAndProbs((observe) => layer.forward(query, { context, valueContext, ...masks, observe }), golden);
  const { attention } = found;
  if (!attention || golden.call["average_attn_weights"] === false) return found;
  return { ...found, attention: mean(permute(attention, [0, 2, 3, 1]), { axes: -1 }) };
}

const options = [
  "embed_dim",
  "num_heads",
  "kdim",
  "vdim",
  "bias",
  "add_bias_kv",
  "add_zero_attn",
  "average_attn_weights",
];
const weightNames = [
  "in_proj_weight",
  "q_proj_weight",
  "k_proj_weight",
  "v_proj_weight",
  "in_proj_bias",
  "bias_k",
  "bias_v",
  "out_proj.weight",
  "out_proj.bias",
];
const inputNames = ["query", "key", "value", "attn_mask", "key_padding_mask", "cotangent"];

/** `torch-multihead-attention`: the layer of PyTorch, batch first. */
export const runTorchAttention: UnitRunner = {
  refuses: ({ call, inputs }) => {
    const padded = inputs.get("key_padding_mask");
    if (padded && !isBool(padded)) return "a float key_padding_mask is not supported, expected a boolean one";
    return unknownNames("options", Object.keys(call), options) ?? unknownNames("inputs", inputs.keys(), inputNames);
  },
  run: (golden, weights) => {
    const strange = unknownNames("weights", weights.keys(), weightNames);
    if (strange) throw badInput(`verify: case ${golden.name} has ${strange}`);
    const leaves: Record<string, Tensor> = { "input:query": float32(inputOf(golden, "query")) };
    for (const name of ["key", "value"]) {
      const given = golden.inputs.get(name);
      if (given) leaves[`input:${name}`] = float32(given);
    }
    for (const [name, array] of weights) leaves[name] = float32(array);
    return compute(golden, { leaves, forward: () => forward(golden, leaves) });
  },
};
