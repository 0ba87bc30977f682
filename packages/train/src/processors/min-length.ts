import type { LogitsProcessor } from "./logits-processor.ts";
import { checkWhole } from "./token-ids.ts";

/**
 * Forbids stop tokens while a row, prompt included, is shorter than `count`. Stop strings can still end it.
 *
 * Shapes: logits [V].
 * @param count tokens, whole number >= 0; 0 changes nothing
 * @throws RangeError if it is not
 * @see `min_length` of Hugging Face transformers.
 * @example
 * const long = generate({ model, prompts: [prompt], maxNewTokens: 9, stopTokens: [4], processors: [minLength(12)] });
 */
export function minLength(count: number): LogitsProcessor {
  checkWhole("minLength", "count", count, 0);
  return (logits, { tokens, stopTokens }) => {
    if (tokens.length < count) for (const id of stopTokens) logits[id] = -Infinity;
  };
}
