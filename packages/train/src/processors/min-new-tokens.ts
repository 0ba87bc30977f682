import type { LogitsProcessor } from "./logits-processor.ts";

/**
 * Forbids stop tokens until `count` tokens were made. Stop strings can still end a row.
 *
 * Shapes: logits [V].
 * @param count tokens, whole number >= 0; 0 changes nothing
 * @throws RangeError if it is not
 * @see `min_new_tokens` of Hugging Face transformers.
 * @example
 * const long = generate({ model, prompts: [prompt], maxNewTokens: 9, stopTokens: [4], processors: [minNewTokens(5)] });
 */
export function minNewTokens(count: number): LogitsProcessor {
  if (!(Number.isSafeInteger(count) && count >= 0))
    throw new RangeError(`minNewTokens: count is out of range, expected a whole number >= 0, got ${count}`);
  return (logits, { tokens, promptLength, stopTokens }) => {
    if (tokens.length - promptLength < count) for (const id of stopTokens) logits[id] = -Infinity;
  };
}
