import type { LogitsProcessor } from "./logits-processor.ts";

/**
 * Keeps tokens that are at least p times as probable as the most probable one.
 *
 * Shapes: logits [V].
 * @param p share in [0, 1]; 0 keeps all
 * @throws RangeError if it is not
 * @see Nguyen et al. 2024, Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs, arXiv:2407.01082.
 * @example
 * const wild = generate({ model, prompts: [prompt], maxNewTokens: 9, sampler: sample(), processors: [temperature(1.5), minP(0.1)] });
 */
export function minP(p: number): LogitsProcessor {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`minP: p is out of range, expected a number in [0, 1], got ${p}`);
  return (logits) => {
    let most = -Infinity;
    for (const logit of logits) most = Math.max(most, logit);
    const least = most + Math.log(p);
    for (let id = 0; id < logits.length; id++) if (logits[id]! < least) logits[id] = -Infinity;
  };
}
