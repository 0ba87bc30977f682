import { descending, forbidOthers, type LogitsProcessor } from "./logits-processor.ts";

/**
 * Keeps the most probable tokens whose probabilities first add up to p: the nucleus. At least one stays.
 *
 * Shapes: logits [V]. Numerics: sums in float64.
 * @param p probability in (0, 1]; 1 keeps all
 * @throws RangeError if it is not
 * @see Holtzman et al. 2019, The Curious Case of Neural Text Degeneration, section 3.1, arXiv:1904.09751.
 * @example
 * const focused = generate({ model, prompts: [prompt], maxNewTokens: 9, sampler: sample(), processors: [topP(0.9)] });
 */
export function topP(p: number): LogitsProcessor {
  if (!(p > 0 && p <= 1)) throw new RangeError(`topP: p is out of range, expected a number in (0, 1], got ${p}`);
  return (logits) => {
    if (p === 1) return;
    const ids = descending(logits);
    const weights = ids.map((id) => Math.exp(logits[id]! - logits[ids[0]!]!));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let [count, sum] = [0, 0];
    while (count < ids.length && sum < p * total) sum += weights[count++]!;
    forbidOthers(logits, ids.slice(0, count));
  };
}
