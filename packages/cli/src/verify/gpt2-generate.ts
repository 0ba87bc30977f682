import type { Pretrained } from "@heed/models";
import { scope } from "@heed/tensor";
import { generate, greedy } from "@heed/train";
import type { GoldenCase } from "./golden.ts";
import { decoderOf } from "./models/causal-lm.ts";
import type { Computed, Runner } from "./runners.ts";
import { optionsOf, tokensOf, unknownNames } from "./support.ts";

async function run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  const model = decoderOf(pretrained);
  scope(() => void tokensOf(model.vocabSize, golden));
  const { shape, values } = golden.inputs.get("input_ids")!;
  const [B, T] = shape as [number, number];
  const { max_new_tokens } = optionsOf(golden) as { max_new_tokens: number };
  const prompts = Array.from({ length: B }, (_, b) => Int32Array.from(values).slice(b * T, (b + 1) * T));
  const rows = prompts.map((prompt) => [...prompt]);
  const logits: number[] = [];
  for await (const step of generate({ model, prompts, maxNewTokens: max_new_tokens, sampler: greedy() })) {
    step.tokens.forEach((token, b) => rows[b]!.push(token));
    for (const row of step.logits) for (const logit of row) logits.push(logit);
  }
  return {
    outputs: new Map([
      ["sequences", { shape: [B, T + max_new_tokens], values: rows.flat() }],
      ["step_logits", { shape: [max_new_tokens, B, model.vocabSize], values: logits }],
    ]),
  };
}

function refuses(golden: GoldenCase): string | undefined {
  const { max_new_tokens, eos_token_id } = optionsOf(golden);
  const mask = golden.inputs.get("attention_mask");
  if (typeof max_new_tokens !== "number") return "generation without max_new_tokens is not supported";
  if ((eos_token_id ?? null) !== null)
    return "generation with an end token is not supported, expected eos_token_id null";
  if (mask && Array.from(mask.values).some((value) => value !== 1))
    return "generation from padded prompts is not supported";
  return (
    unknownNames("inputs", golden.inputs.keys(), ["input_ids", "attention_mask"]) ??
    unknownNames("options", Object.keys(optionsOf(golden)), ["max_new_tokens", "eos_token_id", "pad_token_id"])
  );
}

/** Greedy continuation with cached keys and values. */
export const runGenerate: Runner = { refuses, run };
