import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";

export const mixBefore = "attend.pre_softmax_talking_heads.weight";
export const mixAfter = "attend.post_softmax_talking_heads.weight";

/** A number of a call, undefined where it is left out or null, which x-transformers takes for left out. */
export const numberOf = ({ call }: GoldenCase, option: string): number | undefined =>
  call[option] === undefined || call[option] === null ? undefined : Number(call[option]);

export const numHeadsOf = (golden: GoldenCase): number => numberOf(golden, "heads") ?? 8;

export const numKvHeadsOf = (golden: GoldenCase): number =>
  golden.call["one_kv_head"] ? 1 : (numberOf(golden, "kv_heads") ?? numHeadsOf(golden));

/** These change nothing in a checkpoint that is evaluated without rotary positions; flash is another kernel for the same. */
const withoutEffect = ["dropout", "zero_init_output", "flash", "onnxable", "rotary_embed_values"];
const options = [
  ...["dim", "dim_head", "dim_context", "dim_out", "value_dim_head", "heads", "kv_heads", "one_kv_head", "shared_kv"],
  ...["causal", "max_attend_past", "sparse_topk", "talking_heads", "num_mem_kv", "add_zero_kv"],
  ...["qk_norm", "qk_norm_groups", "qk_norm_scale", "qk_norm_dim_scale"],
  // of later versions, where they mean the same in all
  ...["l2_distance", "softclamp_logits", "logit_softclamp_value"],
  ...["tensor_product", "head_scale", "gate_value_heads", "gate_values", "swiglu_values", "on_attn"],
  ...withoutEffect,
];
const inputNames = ["x", "context", "mask", "context_mask", "attn_mask", "mem", "mem_mask", "prev_attn", "cotangent"];

/** Why a case cannot be computed as it was recorded, if so. */
export function refusal(golden: GoldenCase): string | undefined {
  const { call, inputs } = golden;
  const length = (name: string): number => inputs.get(name)?.shape[1] ?? 0;
  const numKeys = length("mem") + length(inputs.has("context") ? "context" : "x");
  return (
    unknownNames("options", Object.keys(call), options) ??
    unknownNames("inputs", inputs.keys(), inputNames) ??
    (inputs.has("attn_mask") && call["num_mem_kv"]
      ? "attn_mask together with num_mem_kv is not supported"
      : undefined) ??
    (call["causal"] && numKeys < length("x") ? "causal with fewer keys than queries is not supported" : undefined)
  );
}

/** The weights that a layer with these options has. */
function weightNames({ call }: GoldenCase): string[] {
  return [
    ...["to_q.weight", "to_k.weight", call["on_attn"] ? "to_out.0.weight" : "to_out.weight"],
    ...(call["shared_kv"] ? [] : ["to_v.weight"]),
    ...(call["talking_heads"] ? [mixBefore, mixAfter] : []),
    ...(call["qk_norm"] && call["qk_norm_dim_scale"] ? ["qk_norm_q_scale", "qk_norm_k_scale"] : []),
    ...(call["num_mem_kv"] ? ["mem_k", "mem_v"] : []),
    ...(call["tensor_product"] ? ["to_r.weight"] : []),
    ...(call["head_scale"] ? ["head_scale_params"] : []),
    ...(call["gate_value_heads"] ? ["to_v_head_gate.weight", "to_v_head_gate.bias"] : []),
    ...(call["gate_values"] ? ["to_v_gate.weight", "to_v_gate.bias"] : []),
  ];
}

/** @throws CliError (bad input) if the weights are not those of the options */
export function checkWeights(golden: GoldenCase, weights: ReadonlyMap<string, GoldenArray>): void {
  const names = weightNames(golden);
  const strange = unknownNames("weights", weights.keys(), names);
  if (strange) throw badInput(`verify: case ${golden.name} has ${strange}`);
  const missing = names.filter((name) => !weights.has(name));
  if (missing.length > 0)
    throw badInput(
      `verify: case ${golden.name} has no weights ${missing.join(", ")}, expected all that its options need. The fixture is not complete`,
    );
}
