import type { Pretrained } from "@heed/models";
import { scope } from "@heed/tensor";
import { generate, greedy } from "@heed/train";
import type { GoldenCase } from "../golden.ts";
import type { Computed, Runner } from "../runners.ts";
import { optionsOf, tokensOf, unknownNames } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";
import { encoderDecoderOf, namedToken } from "./encoder-decoder.ts";

/** The options of a case that choose tokens; numbers, or null for none. */
const tokenOptions = [
  "eos_token_id",
  "pad_token_id",
  "decoder_start_token_id",
  "forced_eos_token_id",
  "forced_bos_token_id",
] as const;

/** A token of the options, else of the folder; undefined if it is null or absent. */
function tokenOf(pretrained: Pretrained, golden: GoldenCase, key: (typeof tokenOptions)[number]): number | undefined {
  const options = optionsOf(golden);
  if (Object.hasOwn(options, key)) return typeof options[key] === "number" ? options[key] : undefined;
  const { config, generationConfig } = pretrained.origin ?? {};
  const value = generationConfig?.[key] ?? config?.[key];
  return typeof value === "number" ? value : undefined;
}

async function run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  const model = encoderDecoderOf(pretrained);
  for (const key of ["forced_eos_token_id", "forced_bos_token_id"] as const)
    if (tokenOf(pretrained, golden, key) !== undefined)
      throw new RangeError(
        `verify: ${key} of case ${golden.name} is set, expected null. Forced tokens are not supported`,
      );
  const start =
    tokenOf(pretrained, golden, "decoder_start_token_id") ?? namedToken(pretrained, "decoder_start_token_id");
  const [end, paddingId] = [
    tokenOf(pretrained, golden, "eos_token_id"),
    tokenOf(pretrained, golden, "pad_token_id") ?? 0,
  ];
  const { max_new_tokens: maxNewTokens } = optionsOf(golden) as { max_new_tokens: number };
  const decoding = scope(() =>
    model.decoding({ source: tokensOf(model.encoder.vocabSize, golden), sourcePadding: paddingOf(golden) }),
  );
  const B = golden.inputs.get("input_ids")!.shape[0]!;
  const rows = Array.from({ length: B }, () => [start]);
  const logits: number[] = [];
  try {
    const steps = generate({
      ...{ model: decoding, prompts: rows.map((row) => Int32Array.from(row)), maxNewTokens, sampler: greedy() },
      ...(end !== undefined && { stopTokens: [end] }),
    });
    for await (const step of steps) {
      for (const [b, row] of rows.entries())
        row.push(end !== undefined && row.includes(end, 1) ? paddingId : step.tokens[b]!);
      for (const row of step.logits) for (const logit of row) logits.push(logit);
    }
  } finally {
    decoding.dispose();
  }
  const T = rows[0]!.length;
  return {
    outputs: new Map([
      ["sequences", { shape: [B, T], values: rows.flat() }],
      ["step_logits", { shape: [T - 1, B, model.vocabSize], values: logits }],
    ]),
  };
}

function refuses(golden: GoldenCase): string | undefined {
  const options = optionsOf(golden);
  if (typeof options["max_new_tokens"] !== "number") return "generation without max_new_tokens is not supported";
  const odd = tokenOptions.find(
    (key) => !["number", "object", "undefined"].includes(typeof options[key]) || Array.isArray(options[key]),
  );
  if (odd !== undefined) return `${odd} ${JSON.stringify(options[odd])} is not supported, expected one token or null`;
  return (
    unknownNames("inputs", golden.inputs.keys(), ["input_ids", "attention_mask"]) ??
    unknownNames("options", Object.keys(options), ["max_new_tokens", ...tokenOptions])
  );
}

/** Greedy decoding from the token that starts a target; rows that have ended are filled up with padding. */
export const encoderDecoderGenerate: Runner = { refuses, run };
