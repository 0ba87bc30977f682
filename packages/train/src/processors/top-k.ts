import { descending, forbidOthers, type LogitsProcessor } from "./logits-processor.ts";
import { checkWhole } from "./token-ids.ts";

/**
 * Keeps the k most probable tokens, ties to the lowest id.
 *
 * Shapes: logits [V].
 * @param k whole number >= 1
 * @throws RangeError if it is not
 * @see Fan et al. 2018, Hierarchical Neural Story Generation, section 5.4, arXiv:1805.04833.
 *   Differs from Hugging Face transformers: of tokens that tie at the k-th place it keeps the first, not all.
 * @example
 * const focused = generate({ model, prompts: [prompt], maxNewTokens: 9, sampler: sample(), processors: [topK(50)] });
 */
export function topK(k: number): LogitsProcessor {
  checkWhole("topK", "k", k, 1);
  return (logits) => {
    if (k < logits.length) forbidOthers(logits, descending(logits).slice(0, k));
  };
}
