import type { LogitsProcessor } from "./logits-processor.ts";
import { checkWhole } from "./token-ids.ts";

/**
 * Forbids tokens that would repeat n tokens in a row that the row, prompt included, has already.
 *
 * Shapes: logits [V]. Cost: O(n * tokens of the row).
 * @param n tokens in a row, whole number >= 1; 1 forbids every token that came before
 * @throws RangeError if it is not
 * @see Paulus et al. 2017, A Deep Reinforced Model for Abstractive Summarization, section 2.5 (n = 3, without the prompt),
 *   arXiv:1705.04304; that the prompt counts is the rule of Hugging Face transformers.
 * @example
 * const fresh = generate({ model, prompts: [prompt], maxNewTokens: 9, processors: [noRepeatNgram(3)] });
 */
export function noRepeatNgram(n: number): LogitsProcessor {
  checkWhole("noRepeatNgram", "n", n, 1);
  return (logits, { tokens }) => {
    const end = tokens.length - n + 1; // where the n-gram that the next token completes begins
    for (let start = 0; start < end; start++) {
      let same = 0;
      while (same < n - 1 && tokens[start + same] === tokens[end + same]) same++;
      if (same === n - 1) logits[tokens[start + n - 1]!] = -Infinity;
    }
  };
}
