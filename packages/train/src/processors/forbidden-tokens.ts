import type { LogitsProcessor } from "./logits-processor.ts";
import { checkInVocabulary, checkTokenIds, checkWhole } from "./token-ids.ts";

export interface ForbiddenTokensOptions {
  /** the only place where they are forbidden: how many tokens were made before, whole number >= 0; default every place */
  readonly at?: number;
}

/**
 * Forbids tokens: everywhere, or at one place, such as `at: 0` for what no text should begin with.
 *
 * Shapes: logits [V].
 * @param tokens at least one id
 * @throws RangeError if there is none, or a place is no whole number >= 0; while generating, for a token outside the vocabulary
 * @see `suppress_tokens` and `begin_suppress_tokens` of Hugging Face transformers. Differs: it ignores tokens outside the vocabulary.
 * @example
 * const worded = generate({ model, prompts: [prompt], maxNewTokens: 9, processors: [forbiddenTokens([4, 2], { at: 0 })] });
 */
export function forbiddenTokens(tokens: readonly number[], { at }: ForbiddenTokensOptions = {}): LogitsProcessor {
  checkTokenIds("forbiddenTokens", "tokens", tokens);
  if (at !== undefined) checkWhole("forbiddenTokens", "at", at, 0);
  return (logits, row) => {
    checkInVocabulary("forbiddenTokens", tokens, logits);
    if (at === undefined || at === row.tokens.length - row.promptLength)
      for (const id of tokens) logits[id] = -Infinity;
  };
}
