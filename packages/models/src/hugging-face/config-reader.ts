import type { Json, JsonObject } from "@heed/checkpoints";

/** Keys that change nothing in what a model computes: bookkeeping, generation defaults, names of classes and labels. */
const irrelevantKeys: ReadonlySet<string> = new Set(
  `
  _name_or_path _commit_hash _from_model_config transformers_version torch_dtype dtype torchscript use_bfloat16
  use_cache output_past return_dict output_attentions output_hidden_states tf_legacy_loss gradient_checkpointing
  attn_implementation _attn_implementation _attn_implementation_autoset chunk_size_feed_forward
  bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id tokenizer_class prefix n_special
  id2label label2id num_labels _num_labels problem_type finetuning_task task_specific_params
  do_sample early_stopping max_length min_length num_beams num_beam_groups diversity_penalty temperature top_k top_p
  typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids
  num_return_sequences output_scores return_dict_in_generate forced_bos_token_id forced_eos_token_id
  remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens
  `.split(/\s+/),
);

/** Keys of any family whose every other value would change what is computed, with the values that do not. */
const neutralValues: Readonly<Record<string, readonly string[]>> = {
  add_cross_attention: ["false"],
  cross_attention_hidden_size: ["null"],
  is_encoder_decoder: ["false"],
  is_decoder: ["false", "true"],
  tie_encoder_decoder: ["false"],
  pruned_heads: ["{}", "[]", "null"],
  quantization_config: ["null"],
};

/**
 * Reads a `config.json` key by key, and in the end refuses what nobody asked for.
 *
 * Every problem is a RangeError that names the key: an option that is not understood must not be ignored.
 */
export class ConfigReader {
  readonly modelType: string;
  private readonly json: JsonObject;
  private readonly asked = new Set<string>(["model_type", "architectures"]);

  constructor(modelType: string, json: JsonObject) {
    this.modelType = modelType;
    this.json = json;
  }

  /** Throws the RangeError of a key whose value is not supported. */
  refuse(key: string, expected: string, value: Json | undefined): never {
    throw new RangeError(
      `loadPretrained: config.json has an unsupported ${key} for ${this.modelType}, expected ${expected}, got ${JSON.stringify(value)}`,
    );
  }

  /** The value of a key as it is; undefined where it is absent. Whoever asks is answerable for it. */
  get(key: string): Json | undefined {
    this.asked.add(key);
    return this.json[key];
  }

  /**
   * A whole number >= 1; `fallback` where the key is absent. `alias` is another name of the same key, as Python's
   * attribute maps have it.
   */
  count(key: string, fallback: number, alias?: string): number {
    const [value, other] = [this.get(key), alias === undefined ? undefined : this.get(alias)];
    if (value !== undefined && other !== undefined && value !== other) {
      this.refuse(alias!, `what ${key} says, ${JSON.stringify(value)}`, other);
    }
    const given = value === undefined ? other : value;
    if (given === undefined) return fallback;
    return typeof given === "number" && Number.isSafeInteger(given) && given >= 1
      ? given
      : this.refuse(value === undefined ? alias! : key, "a whole number >= 1", given);
  }

  /** As `count`, where null means the fallback too. */
  countOrNull(key: string, fallback: number): number {
    return this.get(key) === null ? fallback : this.count(key, fallback);
  }

  /** A finite number in [low, high). */
  number(key: string, fallback: number, low = 0, high = Infinity): number {
    const value = this.get(key);
    if (value === undefined) return fallback;
    return typeof value === "number" && value >= low && value < high
      ? value
      : this.refuse(key, `a number in [${low}, ${high})`, value);
  }

  /** As `number`, where null means the fallback too. */
  numberOrNull(key: string, fallback: number, low = 0, high = Infinity): number {
    return this.get(key) === null ? fallback : this.number(key, fallback, low, high);
  }

  /** A whole number of any size from `low`, such as a token id. */
  whole(key: string, fallback: number, low = 0): number {
    const value = this.get(key);
    if (value === undefined || value === null) return fallback;
    return typeof value === "number" && Number.isSafeInteger(value) && value >= low
      ? value
      : this.refuse(key, `a whole number >= ${low}`, value);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key);
    if (value === undefined) return fallback;
    return typeof value === "boolean" ? value : this.refuse(key, "true or false", value);
  }

  /** One of some names. */
  choice<Name extends string>(key: string, names: readonly Name[], fallback: Name): Name {
    const value = this.get(key);
    if (value === undefined) return fallback;
    return names.find((name) => name === value) ?? this.refuse(key, `one of ${names.join(", ")}`, value);
  }

  /** Number of labels of a classifier: `num_labels`, else those of `id2label`, else `fallback`. */
  labels(fallback = 2): number {
    const names = this.get("id2label");
    const listed = typeof names === "object" && names !== null ? Object.keys(names).length : fallback;
    return this.count("num_labels", Math.max(1, listed));
  }

  /** A reader of an object inside, such as `text_config`; of an empty one where the key is absent or null. */
  nested(key: string, modelType: string): ConfigReader {
    const value = this.get(key);
    if (value === undefined || value === null) return new ConfigReader(modelType, {});
    if (typeof value !== "object" || Array.isArray(value)) return this.refuse(key, "an object", value);
    return new ConfigReader(modelType, value as JsonObject);
  }

  /** Refuses every value but one; that one is also what an absent key means. */
  only(key: string, ...values: readonly Json[]): void {
    const value = this.get(key);
    if (value === undefined || values.some((known) => JSON.stringify(known) === JSON.stringify(value))) return;
    this.refuse(key, values.map((known) => JSON.stringify(known)).join(" or "), value);
  }

  /** Keys of this family that change nothing here. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.asked.add(key);
  }

  /** Refuses neutral keys with another value, and every key that was never asked for. */
  finish(): void {
    for (const [key, value] of Object.entries(this.json)) {
      const neutral = this.asked.has(key) ? undefined : neutralValues[key];
      if (neutral && !neutral.includes(JSON.stringify(value))) this.refuse(key, neutral.join(" or "), value);
    }
    const unknown = Object.keys(this.json).filter(
      (key) => !this.asked.has(key) && !irrelevantKeys.has(key) && !Object.hasOwn(neutralValues, key),
    );
    if (unknown.length === 0) return;
    throw new RangeError(
      `loadPretrained: config.json has keys that ${this.modelType} does not know, expected only known ones, got ${unknown.map((key) => `${key}: ${JSON.stringify(this.json[key])}`).join(", ")}. Remove them if they change nothing`,
    );
  }
}
