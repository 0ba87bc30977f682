import type { LogitsProcessor } from "./logits-processor.ts";
import { checkSequences, isBegun } from "./sequence-ends.ts";
import { checkInVocabulary } from "./token-ids.ts";

/**
 * Forbids the last token of each sequence where the row, prompt included, ends with the tokens before it.
 *
 * A sequence of one token is forbidden everywhere. One of n > 1 counts only in rows of n tokens or more, so what a prompt
 * shorter than n begins can still be completed by the first new token.
 *
 * Shapes: logits [V].
 * @param sequences at least one, each with at least one token id
 * @throws RangeError if they are not; while generating, for a token outside the vocabulary
 * @see `bad_words_ids` of Hugging Face transformers, whose rule for short rows this is.
 *   Differs: stop tokens can be forbidden too.
 * @example
 * const polite = generate({ model, prompts: [prompt], maxNewTokens: 9, processors: [forbiddenSequences([[4, 2], [7]])] });
 */
export function forbiddenSequences(sequences: readonly (readonly number[])[]): LogitsProcessor {
  checkSequences("forbiddenSequences", sequences);
  const ids = sequences.flat();
  return (logits, { tokens }) => {
    checkInVocabulary("forbiddenSequences", ids, logits);
    for (const sequence of sequences) if (isBegun(sequence, tokens)) logits[sequence.at(-1)!] = -Infinity;
  };
}
