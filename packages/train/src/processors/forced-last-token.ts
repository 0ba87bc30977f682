import { forbidOthers, type LogitsProcessor } from "./logits-processor.ts";
import { checkInVocabulary, checkTokenIds } from "./token-ids.ts";

/**
 * Leaves only some tokens, with logit 0, at the last place that the request allows: a text that is cut ends with them.
 *
 * Rows that end before are left alone.
 *
 * Shapes: logits [V].
 * @param tokens at least one id, usually of a stop token
 * @throws RangeError if there is none, or one is no whole number >= 0; while generating, for one outside the vocabulary
 * @see `forced_eos_token_id` of Hugging Face transformers.
 * @example
 * const whole = generate({ model, prompts: [prompt], maxNewTokens: 9, stopTokens: [4], processors: [forcedLastToken([4])] });
 */
export function forcedLastToken(tokens: readonly number[]): LogitsProcessor {
  checkTokenIds("forcedLastToken", "tokens", tokens);
  return (logits, row) => {
    checkInVocabulary("forcedLastToken", tokens, logits);
    if (row.tokens.length - row.promptLength !== row.maxNewTokens - 1) return;
    for (const id of tokens) logits[id] = 0;
    forbidOthers(logits, tokens);
  };
}
