import type { Pretrained } from "@heed/models";
import type { LogitsProcessor } from "@heed/train";
import { processorOptions, processorsFrom } from "../generation-processors.ts";
import { folderOption } from "../generation-request.ts";
import type { GoldenCase } from "./golden.ts";
import { optionsOf } from "./support.ts";

/** How a case continues its prompts; tokens are ids. */
export interface GenerationSettings {
  readonly maxNewTokens: number;
  readonly stopTokens: readonly number[];
  readonly paddingId: number | undefined;
  readonly startId: number | undefined;
  readonly numBeams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | "never";
}

/** Options that change what is computed in ways that are not supported, and the values that do not. */
const neutral: Readonly<Record<string, readonly unknown[]>> = {
  do_sample: [false],
  num_return_sequences: [1],
  num_beam_groups: [1],
  encoder_no_repeat_ngram_size: [0],
  encoder_repetition_penalty: [1],
  diversity_penalty: [0],
  penalty_alpha: [],
  guidance_scale: [1],
  dola_layers: [],
  prompt_lookup_num_tokens: [],
  exponential_decay_length_penalty: [],
  stop_strings: [],
  max_time: [],
  force_words_ids: [],
  constraints: [],
  remove_invalid_values: [false],
  renormalize_logits: [false],
  watermarking_config: [],
};

/** Options that choose how, and have no say in greedy decoding and beam search. */
const harmless = ["use_cache", "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"];

const used = [
  ...["max_new_tokens", "eos_token_id", "pad_token_id", "decoder_start_token_id"],
  ...["num_beams", "length_penalty", "early_stopping", ...processorOptions],
];

export const generationOptions: readonly string[] = [...used, ...Object.keys(neutral), ...harmless];

/** An option of the case, else of generation_config.json, else of config.json. */
function optionOf(pretrained: Pretrained, golden: GoldenCase, key: string): unknown {
  const options = optionsOf(golden);
  if (Object.hasOwn(options, key)) return options[key] ?? undefined;
  return folderOption(pretrained, key);
}

function numberOf(key: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number") return value;
  throw new RangeError(`verify: ${key} is of another kind, expected a number, got ${JSON.stringify(value)}`);
}

/** @throws RangeError for an option, of the case or of the folder, that changes what is computed and is not supported */
export function settingsOf(pretrained: Pretrained, golden: GoldenCase): GenerationSettings {
  const get = (key: string): unknown => optionOf(pretrained, golden, key);
  for (const [key, values] of Object.entries(neutral)) {
    const value = get(key);
    if (value === undefined || values.includes(value)) continue;
    throw new RangeError(
      `verify: ${key} of case ${golden.name} is ${JSON.stringify(value)}, expected ${values.length > 0 ? values.join(" or ") : "null"}. Others are not supported`,
    );
  }
  const token = (key: string): number | undefined =>
    get(key) === undefined ? undefined : numberOf(key, get(key), Number.NaN);
  const ends = [get("eos_token_id") ?? []].flat().map((id) => numberOf("eos_token_id", id, Number.NaN));
  const early = get("early_stopping") ?? false;
  if (typeof early !== "boolean" && early !== "never")
    throw new RangeError(
      `verify: early_stopping is unknown, expected true, false or "never", got ${JSON.stringify(early)}`,
    );
  return {
    maxNewTokens: numberOf("max_new_tokens", optionsOf(golden)["max_new_tokens"], Number.NaN),
    stopTokens: ends,
    paddingId: token("pad_token_id") ?? ends[0],
    startId: token("decoder_start_token_id") ?? token("bos_token_id"),
    numBeams: numberOf("num_beams", get("num_beams"), 1),
    lengthPenalty: numberOf("length_penalty", get("length_penalty"), 1),
    earlyStopping: early,
  };
}

/**
 * The processors that the case or the folder asks for.
 *
 * @throws RangeError for an option that cannot be used
 */
export function processorsOf(
  pretrained: Pretrained,
  golden: GoldenCase,
  { vocabSize, stopTokens }: { readonly vocabSize: number; readonly stopTokens: readonly number[] },
): LogitsProcessor[] {
  return processorsFrom({
    get: (key) => optionOf(pretrained, golden, key),
    refuse: (key, value, expected) =>
      new RangeError(`verify: ${key} of case ${golden.name} is ${JSON.stringify(value)}, expected ${expected}`),
    ...{ vocabSize, stopTokens },
  });
}
