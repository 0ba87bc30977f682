import { multiply, tanh } from "@heed/tensor";
import type { ScoreFn } from "../score-fn.ts";

/**
 * A score that never leaves (-cap, cap): cap * tanh(score / cap). A bias is added after it.
 *
 * Shapes: as the score.
 * @param options.cap > 0, finite
 * @throws RangeError if cap is not positive
 * @see Gemma Team 2024, Gemma 2, section 2 ("logit soft-capping"), arXiv:2408.00118.
 * @example
 * const gemma = attention({ score: softCap(scaledDotScore(), { cap: 50 }) });
 */
export function softCap(score: ScoreFn, { cap }: { readonly cap: number }): ScoreFn & { readonly score: ScoreFn } {
  if (!(cap > 0 && Number.isFinite(cap)))
    throw new RangeError(`softCap: cap is out of range, expected a finite number > 0, got ${cap}`);
  const capped = (...[q, k]: Parameters<ScoreFn>) => multiply(tanh(multiply(score(q, k), 1 / cap)), cap);
  return Object.assign(capped, { score });
}
