import {
  and,
  attention,
  causal,
  type KeyValueMemory,
  LearnedMemory,
  l2Norm,
  type Mask,
  MultiHeadAttention,
  padding,
  qkNorm,
  type ScoreFn,
  SeparateProjection,
  scaledDotScore,
  slidingWindow,
  softmaxWeighting,
  talkingProbs,
  talkingScores,
  type WeighFn,
  zeroMemory,
} from "@heed/attention";
import { Linear } from "@heed/nn";
import { arange, multiply, reshape, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { bool, compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Weights = Readonly<Record<string, Tensor>>;

const mixBefore = "attend.pre_softmax_talking_heads.weight";
const mixAfter = "attend.post_softmax_talking_heads.weight";

/** A 1x1 convolution over heads is a matrix. */
function headMix(weights: Weights, name: string): { weight: Tensor } {
  const weight = weights[name]!;
  return { weight: reshape(weight, weight.shape.slice(0, 2)) };
}

function scoreOf({ call }: GoldenCase, weights: Weights): ScoreFn {
  const score = call["qk_norm"]
    ? qkNorm(scaledDotScore({ scale: Number(call["qk_norm_scale"] ?? 10) }), { query: l2Norm(), key: l2Norm() })
    : scaledDotScore();
  return call["talking_heads"] ? talkingScores(score, headMix(weights, mixBefore)) : score;
}

/** `show` gets the result of the softmax, before heads talk. */
function weighingOf({ call }: GoldenCase, weights: Weights, show: (probs: Tensor) => void): WeighFn {
  if (!call["talking_heads"]) return softmaxWeighting();
  const softmax = softmaxWeighting();
  const shown: WeighFn = (...given) => {
    const probs = softmax(...given);
    show(probs);
    return probs;
  };
  return talkingProbs(shown, headMix(weights, mixAfter));
}

function memoriesOf({ call }: GoldenCase, weights: Weights): KeyValueMemory[] {
  const learned = call["num_mem_kv"] ? [new LearnedMemory({ keys: weights["mem_k"]!, values: weights["mem_v"]! })] : [];
  return call["add_zero_kv"] ? [...learned, zeroMemory({ side: "before" })] : learned;
}

function maskOf({ call, inputs }: GoldenCase, S: number, T: number): Tensor | undefined {
  const given = inputs.get("mask");
  const past = call["max_attend_past"];
  const masks: Mask[] = [
    ...(call["causal"] ? [causal()] : []),
    ...(past === undefined ? [] : [slidingWindow({ windowSize: Number(past) + 1 })]),
    ...(given ? [padding(bool(given))] : []),
  ];
  return masks.length === 0 ? undefined : and(...masks)(arange(0, T), arange(0, S));
}

function forward(golden: GoldenCase, leaves: Weights, x: Tensor, context: Tensor): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  const linear = (name: string): Linear => new Linear(leaves[`${name}.weight`]!);
  const layer = new MultiHeadAttention({
    projection: new SeparateProjection({
      query: linear("to_q"),
      key: linear("to_k"),
      value: linear("to_v"),
      numHeads: Number(golden.call["heads"]),
      numKvHeads: golden.call["one_kv_head"] ? 1 : Number(golden.call["heads"]),
    }),
    output: linear("to_out"),
    attention: attention({
      score: scoreOf(golden, leaves),
      weigh: weighingOf(golden, leaves, (probs) => (found["attention"] = probs)),
    }),
    memories: memoriesOf(golden, leaves),
  });
  const mask = maskOf(golden, context.shape[1]!, x.shape[1]!);
  const output = layer.forward(x, { context, mask });
  layer.forward(x, { context, mask, observe: ({ probs }) => (found["attention"] ??= probs) });
  const padded = golden.inputs.get("mask");
  // the reference sets the rows of padded queries to zero
  const rows = padded && reshape(float32(padded), [...padded.shape, 1]);
  return { ...found, output: rows ? multiply(output, rows) : output };
}

const options = [
  "dim",
  "heads",
  "dim_head",
  "causal",
  "one_kv_head",
  "talking_heads",
  "qk_norm",
  "qk_norm_scale",
  "num_mem_kv",
  "add_zero_kv",
  "max_attend_past",
];
const weightNames = ["to_q", "to_k", "to_v", "to_out"].map((name) => `${name}.weight`);

function run(golden: GoldenCase, weights: ReadonlyMap<string, GoldenArray>) {
  const strange = unknownNames("weights", weights.keys(), [...weightNames, mixBefore, mixAfter, "mem_k", "mem_v"]);
  if (strange) throw badInput(`verify: case ${golden.name} has ${strange}`);
  const leaves = Object.fromEntries([...weights].map(([name, array]) => [name, float32(array)]));
  const given = golden.inputs.get("context");
  const x = float32(inputOf(golden, "x"));
  const context = given ? float32(given) : x;
  return compute(golden, {
    leaves: { ...leaves, "input:x": x, ...(given && { "input:context": context }) },
    forward: () => forward(golden, leaves, x, context),
  });
}

/** `unit-attention-variants`: the layer of x-transformers. */
export const runAttentionVariants: UnitRunner = {
  refuses: ({ call, inputs }) =>
    (inputs.has("mask") && inputs.has("context") ? "a mask together with a context is not supported" : undefined) ??
    (call["max_attend_past"] !== undefined && !call["causal"]
      ? "max_attend_past without causal is not supported"
      : undefined) ??
    (call["num_mem_kv"] && call["add_zero_kv"] ? "num_mem_kv together with add_zero_kv is not supported" : undefined) ??
    unknownNames("options", Object.keys(call), options) ??
    unknownNames("inputs", inputs.keys(), ["x", "context", "mask", "cotangent"]),
  run,
};
