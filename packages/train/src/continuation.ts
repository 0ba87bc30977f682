import type { CausalModel } from "./causal-model.ts";
import type { Prefix } from "./prefix.ts";
import type { GeneratedRow, LogitsProcessor } from "./processors/logits-processor.ts";
import type { StopSignal } from "./stop-signal.ts";
import type { StopFn } from "./stop-strings.ts";

/** What every way of continuing prompts takes. */
export interface ContinuationOptions {
  readonly model: CausalModel;
  /** token ids, one list per row of the batch, each of 1..maxSeqLen; of an encoder-decoder the tokens that start a target */
  readonly prompts: readonly Int32Array[];
  /** tokens to add, whole number >= 0 */
  readonly maxNewTokens: number;
  /** change logits before a token is picked, in this order; default none */
  readonly processors?: readonly LogitsProcessor[];
  /** each ends a row */
  readonly stopTokens?: readonly number[];
  /** ends a row after a token, such as `stopStrings` */
  readonly stopWhen?: StopFn;
  /** what all prompts begin with, read before by `readPrefix` with the same model */
  readonly prefix?: Prefix;
  /** ends before the next token */
  readonly signal?: StopSignal;
}

/** @throws RangeError for a request that cannot be answered, or cannot end */
export function checkContinuation(caller: string, options: ContinuationOptions): void {
  const { model, prompts, maxNewTokens, prefix } = options;
  if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 0)
    throw new RangeError(
      `${caller}: maxNewTokens is out of range, expected a whole number >= 0, got ${maxNewTokens}. Say when to end: a stop token may never come`,
    );
  if (prompts.length === 0)
    throw new RangeError(
      `${caller}: prompts is empty, expected at least one prompt with at least one token. Give a prompt`,
    );
  prompts.forEach((prompt, i) => {
    if (prompt.length === 0)
      throw new RangeError(`${caller}: prompts[${i}] has no tokens, expected at least one. Give a prompt`);
    if (prompt.length > model.maxSeqLen)
      throw new RangeError(
        `${caller}: prompts[${i}] has ${prompt.length} tokens, expected at most ${model.maxSeqLen} (the model's context). Shorten it`,
      );
    const outside = prompt.find((token) => token < 0 || token >= model.vocabSize);
    if (outside !== undefined)
      throw new RangeError(`${caller}: prompts[${i}] has token ${outside}, expected ids in 0..${model.vocabSize - 1}`);
    if (prefix && !(prompt.length > prefix.tokens.length && prefix.tokens.every((token, j) => prompt[j] === token)))
      throw new RangeError(
        `${caller}: prompts[${i}] does not go on from prefix, expected its ${prefix.tokens.length} tokens and at least one more, got ${prompt.length} tokens`,
      );
  });
}

/** Logits after the processors; undefined if they leave no token, or the logits are NaN. */
export function applyProcessors(
  processors: readonly LogitsProcessor[],
  logits: Float32Array,
  row: GeneratedRow,
): Float32Array | undefined {
  const processed = processors.length > 0 ? logits.slice() : logits;
  for (const processor of processors) processor(processed, row);
  return processed.some((logit) => logit > -Infinity) ? processed : undefined;
}

/** Why a row cannot go on. */
export const noToken = (caller: string, { index, tokens }: Pick<GeneratedRow, "index" | "tokens">): RangeError =>
  new RangeError(
    `${caller}: row ${index} has no token to go on with after ${tokens.length} tokens, expected at least one logit above -Infinity. Check the processors, or the weights for NaN`,
  );
