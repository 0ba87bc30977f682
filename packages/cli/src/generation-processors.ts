import {
  type BiasedSequence,
  forbiddenSequences,
  forbiddenTokens,
  forcedFirstToken,
  forcedLastToken,
  type LogitsProcessor,
  minLength,
  minNewTokens,
  noRepeatNgram,
  repetitionPenalty,
  sequenceBias,
} from "@heed/train";

/** Generation options by the names they have in Hugging Face files. */
export interface GenerationOptions {
  /** undefined if nobody set it */
  get(key: string): unknown;
  /** the error for a value that is not what was expected */
  refuse(key: string, value: unknown, expected: string): Error;
  readonly vocabSize: number;
  /** tokens that end a text */
  readonly stopTokens: readonly number[];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function countOf(options: GenerationOptions, key: string): number | undefined {
  const value = options.get(key);
  if (value === undefined || isCount(value)) return value;
  throw options.refuse(key, value, "a whole number >= 0");
}

function penaltyOf(options: GenerationOptions): number {
  const value = options.get("repetition_penalty") ?? 1;
  if (typeof value === "number" && value > 0 && value < Infinity) return value;
  throw options.refuse("repetition_penalty", value, "a finite number > 0");
}

/** Reads token ids. */
function idReader(options: GenerationOptions, key: string) {
  const { vocabSize: V } = options;
  const isId = (value: unknown): value is number => isCount(value) && value < V;
  const range = `in 0..${V - 1}`;
  const isSequence = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every(isId);
  return { isId, isSequence, range, value: options.get(key) };
}

/** @throws what `options.refuse` gives for anything but a token id, or where there may be many, a list of them */
export function tokenIds(options: GenerationOptions, key: string, form: "one" | "list" | "either"): number[] {
  const { isId, isSequence, range, value } = idReader(options, key);
  if (value === undefined) return [];
  if (form !== "list" && isId(value)) return [value];
  if (form !== "one" && (isSequence(value) || (Array.isArray(value) && value.length === 0))) return value as number[];
  const words = { one: "a token id", list: "a list of token ids", either: "a token id or a list of them" }[form];
  throw options.refuse(key, value, `${words} ${range}`);
}

/** A stop token alone is left out: a text must be able to end. */
function badWords(options: GenerationOptions): number[][] {
  const { isSequence, range, value = [] } = idReader(options, "bad_words_ids");
  if (!(Array.isArray(value) && value.every(isSequence)))
    throw options.refuse("bad_words_ids", value, `a list of lists of token ids ${range}`);
  return value.filter((ids) => !(ids.length === 1 && options.stopTokens.includes(ids[0]!)));
}

/** Pairs of tokens and a bias; of two with the same tokens the last holds. */
function biases(options: GenerationOptions): BiasedSequence[] {
  const { isSequence, range, value = [] } = idReader(options, "sequence_bias");
  const isPair = (pair: unknown): pair is [number[], number] =>
    Array.isArray(pair) && pair.length === 2 && isSequence(pair[0]) && Number.isFinite(pair[1]);
  if (!(Array.isArray(value) && value.every(isPair)))
    throw options.refuse("sequence_bias", value, `pairs of a list of token ids ${range} and a finite number`);
  return [...new Map(value.map(([tokens, bias]) => [tokens.join(), { tokens, bias }])).values()];
}

/** A least number of new tokens takes the place of a least length. */
function shortest(options: GenerationOptions): LogitsProcessor[] {
  const [made, length] = [countOf(options, "min_new_tokens"), countOf(options, "min_length") ?? 0];
  if (made !== undefined) return made > 0 ? [minNewTokens(made)] : [];
  return length > 0 ? [minLength(length)] : [];
}

/** A forced first token does not count as the beginning. */
function atBegin(tokens: readonly number[], isForced: boolean): LogitsProcessor {
  const [first, second] = [forbiddenTokens(tokens, { at: 0 }), forbiddenTokens(tokens, { at: 1 })];
  return (logits, row) => (isForced && row.promptLength === 1 ? second : first)(logits, row);
}

export const processorOptions: readonly string[] = [
  ...["sequence_bias", "repetition_penalty", "no_repeat_ngram_size", "bad_words_ids", "min_length", "min_new_tokens"],
  ...["forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens"],
];

/**
 * The processors that options ask for, in the order of Hugging Face transformers.
 *
 * @throws what `options.refuse` gives for a value that cannot be used
 */
export function processorsFrom(options: GenerationOptions): LogitsProcessor[] {
  const processors: LogitsProcessor[] = [];
  const [biased, penalty] = [biases(options), penaltyOf(options)];
  const [ngram, bad] = [countOf(options, "no_repeat_ngram_size") ?? 0, badWords(options)];
  const [first] = tokenIds(options, "forced_bos_token_id", "one");
  const last = tokenIds(options, "forced_eos_token_id", "either");
  const never = tokenIds(options, "suppress_tokens", "list");
  const notFirst = tokenIds(options, "begin_suppress_tokens", "list");
  if (biased.length > 0) processors.push(sequenceBias(biased));
  if (penalty !== 1) processors.push(repetitionPenalty(penalty));
  if (ngram > 0) processors.push(noRepeatNgram(ngram));
  if (bad.length > 0) processors.push(forbiddenSequences(bad));
  processors.push(...shortest(options));
  if (first !== undefined) processors.push(forcedFirstToken(first));
  if (last.length > 0) processors.push(forcedLastToken(last));
  if (never.length > 0) processors.push(forbiddenTokens(never));
  if (notFirst.length > 0) processors.push(atBegin(notFirst, first !== undefined));
  return processors;
}
