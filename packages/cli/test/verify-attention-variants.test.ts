import { referenceBackend, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { compareCase } from "../src/verify/compare.ts";
import type { GoldenArray, GoldenCase } from "../src/verify/golden.ts";
import { runAttentionVariants } from "../src/verify/units/attention-variants.ts";
import { attentionOracle, type Call, type Numbers } from "./attention-variants-oracle.ts";

useBackend(referenceBackend());

const [B, T, E, H, D] = [2, 4, 6, 4, 4];

/** Numbers that look random, the same in every run, exact in float32. */
function source(seed: number): (...shape: number[]) => Numbers {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround((state / 2 ** 31 - 1) * 1.5);
  };
  return (...shape) => ({ shape, values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) });
}

const flags = (...rows: string[]): Numbers => ({
  shape: [rows.length, rows[0]!.length],
  values: rows.join("").split("").map(Number),
});

type Make = ReturnType<typeof source>;

/** The weights of a layer with these options. */
function weightsOf(call: Call["call"], make: Make, dContext: number): Record<string, Numbers> {
  const G = call["one_kv_head"] ? 1 : Number(call["kv_heads"] ?? H);
  const V = Number(call["value_dim_head"] ?? D);
  const M = Number(call["num_mem_kv"] ?? 0);
  const shapes: Record<string, number[] | undefined> = {
    "to_q.weight": [H * D, E],
    "to_k.weight": [G * D, dContext],
    "to_v.weight": call["shared_kv"] ? undefined : [G * V, dContext],
    "to_r.weight": call["tensor_product"] ? [G * V, E] : undefined,
    "to_v_gate.weight": call["gate_values"] ? [H * V, E] : undefined,
    "to_v_gate.bias": call["gate_values"] ? [H * V] : undefined,
    "to_v_head_gate.weight": call["gate_value_heads"] ? [H, E] : undefined,
    "to_v_head_gate.bias": call["gate_value_heads"] ? [H] : undefined,
    qk_norm_q_scale: call["qk_norm_dim_scale"] ? [H, 1, D] : undefined,
    qk_norm_k_scale: call["qk_norm_dim_scale"] ? [H, 1, D] : undefined,
    "attend.pre_softmax_talking_heads.weight": call["talking_heads"] ? [H, H, 1, 1] : undefined,
    "attend.post_softmax_talking_heads.weight": call["talking_heads"] ? [H, H, 1, 1] : undefined,
    head_scale_params: call["head_scale"] ? [1, H, 1, 1] : undefined,
    mem_k: M > 0 ? [G, M, D] : undefined,
    mem_v: M > 0 ? [G, M, D] : undefined,
    [call["on_attn"] ? "to_out.0.weight" : "to_out.weight"]: [call["on_attn"] ? 2 * E : E, H * V],
  };
  return Object.fromEntries(Object.entries(shapes).flatMap(([name, shape]) => (shape ? [[name, make(...shape)]] : [])));
}

function caseOf(options: Call["call"], more: (make: Make) => Record<string, Numbers> = () => ({})): Call {
  const make = source(7);
  const call = { dim: E, heads: H, dim_head: D, ...options };
  const inputs = { x: make(B, T, E), ...more(make), cotangent: make(B, T, E) };
  const weights = weightsOf(call, make, (inputs as Call["inputs"])["context"]?.shape[2] ?? E);
  return { call, inputs, weights };
}

/** d sum(output * cotangent) / d each number, from the loops alone. */
function slopes(given: Call, part: "weights" | "inputs", name: string): Numbers {
  const { shape, values } = given[part][name]!;
  const cotangent = given.inputs["cotangent"]!.values;
  const valueAt = (place: number, step: number): number => {
    const moved = { shape, values: values.map((value, i) => (i === place ? value + step : value)) };
    const { output } = attentionOracle({ ...given, [part]: { ...given[part], [name]: moved } });
    return output.reduce((sum, value, i) => sum + value * cotangent[i]!, 0);
  };
  return { shape, values: values.map((_, i) => (valueAt(i, 1e-5) - valueAt(i, -1e-5)) / 2e-5) };
}

/** The case with nothing recorded yet. */
const emptyCase = ({ call, inputs }: Call): GoldenCase => ({
  ...{ name: "case", weightPrefix: "", runtime: "", gradientsOf: "sum(output * cotangent)" },
  call: call as GoldenCase["call"],
  inputs: new Map(Object.entries(inputs)),
  ...{ outputs: new Map(), grads: new Map(), parametersAfter: new Map() },
});

/** What the loops say, as a fixture has it: float32 comes within 2e-5 of the largest number. */
function goldenOf(given: Call): GoldenCase {
  const expected = (array: GoldenArray) => ({
    ...array,
    tolerance: 2e-5 * Math.max(0.1, ...Array.from(array.values, Math.abs)),
  });
  const { output, attention } = attentionOracle(given);
  const numKeys = attention.length / (B * H * T);
  const differentiable = ["x", "context", "mem"].filter((name) => given.inputs[name]);
  return {
    ...emptyCase(given),
    outputs: new Map([
      ["output", expected({ shape: [B, T, E], values: output })],
      ["attention", expected({ shape: [B, H, T, numKeys], values: attention })],
    ]),
    grads: new Map([
      ...Object.keys(given.weights).map((name) => [name, expected(slopes(given, "weights", name))] as const),
      ...differentiable.map((name) => [`input:${name}`, expected(slopes(given, "inputs", name))] as const),
    ]),
  };
}

const run = (given: Call, golden: GoldenCase) =>
  runAttentionVariants.run(golden, new Map(Object.entries(given.weights)));

const [real, leftPadded] = [flags("1111", "1100"), flags("0111", "1111")];
const past = (make: Make) => ({ mem: make(B, 2, E) });

const cases: Record<string, Call> = {
  "grouped queries: query head h reads key/value head h mod G": caseOf({ kv_heads: 2, causal: true }),
  "grouped queries that talk, with memories": caseOf({ kv_heads: 2, talking_heads: true, num_mem_kv: 2 }),
  "sparse_topk hides the best": caseOf({ sparse_topk: 2 }),
  "sparse_topk before the causal mask": caseOf({ sparse_topk: 2, causal: true }),
  "sparse_topk of heads that talk": caseOf({ sparse_topk: 2, talking_heads: true, add_zero_kv: true }),
  "sparse_topk of all keys": caseOf({ sparse_topk: 4 }),
  "values gated": caseOf({ gate_values: true }),
  "values gated by silu": caseOf({ gate_values: true, swiglu_values: true }),
  "swiglu_values without a gate": caseOf({ swiglu_values: true }),
  "heads gated": caseOf({ gate_value_heads: true }),
  "values of their own width": caseOf({ value_dim_head: 3 }),
  "keys that are the values": caseOf({ shared_kv: true, causal: true }),
  "keys that are the values, of length 1 as keys only": caseOf({ shared_kv: true, qk_norm: true }),
  "weights of heads": caseOf({ head_scale: true }),
  "groups of channels of length 1": caseOf({ qk_norm: true, qk_norm_groups: 2, qk_norm_scale: 3 }),
  "groups do not reach memories": caseOf({ qk_norm: true, qk_norm_groups: 2, qk_norm_scale: 3, num_mem_kv: 1 }),
  "gains after the norm": caseOf({ qk_norm: true, qk_norm_dim_scale: true, qk_norm_scale: 3, num_mem_kv: 1 }),
  "gains that tell the keys of one head apart": caseOf({
    ...{ qk_norm: true, qk_norm_dim_scale: true, one_kv_head: true, qk_norm_scale: 3 },
  }),
  "attention on attention": caseOf({ on_attn: true }),
  roles: caseOf({ tensor_product: true }),
  "one role for all heads": caseOf({ tensor_product: true, one_kv_head: true }),
  "without effect": caseOf({
    ...{ dropout: 0.5, zero_init_output: true, flash: true, onnxable: true, rotary_embed_values: true, dim_out: E },
    ...{ kv_heads: null, sparse_topk: null, causal: true },
  }),
  "zeros before memories": caseOf({ num_mem_kv: 2, add_zero_kv: true, causal: true }),
  "a mask of queries and one of the context": caseOf({ dim_context: 5 }, (make) => ({
    ...{ context: make(B, 3, 5), mask: real, context_mask: flags("110", "111") },
  })),
  "a mask does not hide the context": caseOf({}, (make) => ({ context: make(B, 3, E), mask: real })),
  "a context mask without a context": caseOf({}, () => ({ mask: real, context_mask: leftPadded })),
  "a query without keys sees all alike": caseOf({ causal: true }, () => ({ mask: leftPadded })),
  "the same where heads talk": caseOf({ causal: true, talking_heads: true }, () => ({ context_mask: leftPadded })),
  "unless there is memory": caseOf({ causal: true, add_zero_kv: true }, () => ({ mask: leftPadded })),
  "max_attend_past sees the future": caseOf({ max_attend_past: 1 }),
  "max_attend_past and causal do not hide memories": caseOf({
    ...{ max_attend_past: 1, causal: true, num_mem_kv: 2, add_zero_kv: true },
  }),
  "the last query stands at the last key": caseOf({ max_attend_past: 2, causal: true }, (make) => ({
    context: make(B, 6, E),
  })),
  "attn_mask for all": caseOf({ add_zero_kv: true }, () => ({ attn_mask: flags("1010", "0100", "0001", "1110") })),
  "attn_mask of heads that talk": caseOf({ talking_heads: true }, () => ({
    attn_mask: { shape: [H, T, T], values: Array.from({ length: H * T * T }, (_, i) => Number(i % 3 !== 1 && i > 3)) },
  })),
  "attn_mask of rows": caseOf({}, () => ({
    attn_mask: { shape: [B, 1, T, T], values: Array.from({ length: B * T * T }, (_, i) => Number(i % 3 !== 1)) },
  })),
  "scores of an earlier layer": caseOf({ talking_heads: true }, (make) => ({ prev_attn: make(B, H, T, T) })),
  "distances instead of products": caseOf({ l2_distance: true, kv_heads: 2, num_mem_kv: 1 }),
  "scores in a range": caseOf({ softclamp_logits: true, logit_softclamp_value: 2, talking_heads: true }),
  "scores in the usual range": caseOf({ softclamp_logits: true, qk_norm: true, qk_norm_scale: 60 }),
  "tokens of the past": caseOf({ causal: true }, past),
  "tokens of the past and padding": caseOf({}, (make) => ({ ...past(make), mask: real })),
  "padded tokens of the past": caseOf({ max_attend_past: 3, num_mem_kv: 1 }, (make) => ({
    ...{ ...past(make), mem_mask: flags("01", "11") },
  })),
  "much of it together": caseOf(
    {
      ...{ kv_heads: 2, causal: true, gate_values: true, gate_value_heads: true, head_scale: true, on_attn: true },
      ...{ num_mem_kv: 2, add_zero_kv: true, talking_heads: true, qk_norm: true, qk_norm_scale: 3 },
    },
    () => ({ mask: real }),
  ),
};

test.each(Object.entries(cases))("%s: values and gradients equal plain loops", async (_, given) => {
  const golden = goldenOf(given);
  expect(runAttentionVariants.refuses(golden)).toBeUndefined();
  const comparisons = compareCase(await run(given, golden), golden);
  expect(comparisons).toHaveLength(golden.outputs.size + golden.grads.size);
  expect(comparisons.filter(({ passed }) => !passed)).toEqual([]);
});

test("what it refuses, by name", () => {
  const refusal = (...given: Parameters<typeof caseOf>) => runAttentionVariants.refuses(emptyCase(caseOf(...given)));
  expect(refusal({ use_cope: true, sigmoid: true })).toMatchInlineSnapshot(
    `"options use_cope, sigmoid not supported, expected dim, dim_head, dim_context, dim_out, value_dim_head, heads, kv_heads, one_kv_head, shared_kv, causal, max_attend_past, sparse_topk, talking_heads, num_mem_kv, add_zero_kv, qk_norm, qk_norm_groups, qk_norm_scale, qk_norm_dim_scale, l2_distance, softclamp_logits, logit_softclamp_value, tensor_product, head_scale, gate_value_heads, gate_values, swiglu_values, on_attn, dropout, zero_init_output, flash, onnxable, rotary_embed_values"`,
  );
  expect(refusal({}, (make) => ({ rotary_pos_emb: make(T, 2), rel_pos: make(H, T, T) }))).toMatchInlineSnapshot(
    `"inputs rotary_pos_emb, rel_pos not supported, expected x, context, mask, context_mask, attn_mask, mem, mem_mask, prev_attn, cotangent"`,
  );
  expect(
    refusal({ num_mem_kv: 1 }, () => ({ attn_mask: flags("1111", "1111", "1111", "1111") })),
  ).toMatchInlineSnapshot(`"attn_mask together with num_mem_kv is not supported"`);
  expect(refusal({ causal: true }, (make) => ({ context: make(B, 3, E) }))).toMatchInlineSnapshot(
    `"causal with fewer keys than queries is not supported"`,
  );
  expect(refusal({ causal: true }, (make) => ({ context: make(B, 3, E), ...past(make) }))).toBeUndefined();
});

test("weights that are not those of the options", async () => {
  const message = (weights: Call["weights"], options: Call["call"]): string => {
    try {
      void run({ ...caseOf(options), weights }, emptyCase(caseOf(options)));
    } catch (error) {
      return (error as Error).message;
    }
    return "no error";
  };
  const { weights } = caseOf({});
  expect(message(weights, { gate_values: true })).toMatchInlineSnapshot(
    `"verify: case case has no weights to_v_gate.weight, to_v_gate.bias, expected all that its options need. The fixture is not complete"`,
  );
  expect(message(caseOf({ tensor_product: true }).weights, {})).toMatchInlineSnapshot(
    `"verify: case case has weights to_r.weight not supported, expected to_q.weight, to_k.weight, to_out.weight, to_v.weight"`,
  );
});
