import type { LogitsProcessor } from "./logits-processor.ts";
import { checkWhole } from "./token-ids.ts";

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
  checkWhole("minNewTokens", "count", count, 0);
  return (logits, { tokens, promptLength, stopTokens }) => {
    if (tokens.length - promptLength < count) for (const id of stopTokens) logits[id] = -Infinity;
  };
}
