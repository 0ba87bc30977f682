import type { Rng } from "@heed/tensor";
import { descending, type GeneratedRow, type LogitsProcessor } from "./processors/logits-processor.ts";
import { minP } from "./processors/min-p.ts";
import { temperature } from "./processors/temperature.ts";
import { topK } from "./processors/top-k.ts";
import { topP } from "./processors/top-p.ts";

/**
 * Picks the next token from logits; -Infinity marks tokens that are forbidden.
 *
 * Shapes: logits [V]; the array must not be changed.
 */
export type Sampler = (logits: Float32Array, rng: Rng) => number;

/** The most probable token, ties to the lowest id. Uses no randomness. */
export function greedy(): Sampler {
  return (logits) => {
    let best = 0;
    for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
    return best;
  };
}

export interface SampleOptions {
  /** divides logits, > 0; default 1 */
  readonly temperature?: number;
  /** only the k most probable tokens, whole number >= 1; default all */
  readonly topK?: number;
  /** only the most probable tokens whose probabilities first add up to this, in (0, 1]; default 1: all */
  readonly topP?: number;
  /** only tokens at least this many times as probable as the most probable one, in [0, 1]; default 0: all */
  readonly minP?: number;
}

/**
 * A random token from the softmax of logits / temperature, cut to the top k, then to the nucleus p, then by min-p.
 *
 * The same as the processors {@link temperature}, {@link topK}, {@link topP} and {@link minP} in this order, and a draw.
 *
 * Numerics: weights in float64, ordered by logit with ties to the lowest id, so the same logits and seed give the same token everywhere.
 * @throws RangeError for options out of range
 * @see Fan et al. 2018, Hierarchical Neural Story Generation (top-k), arXiv:1805.04833; Holtzman et al. 2019, The Curious
 *   Case of Neural Text Degeneration (nucleus), arXiv:1904.09751. The order of the filters is that of Hugging Face transformers.
 */
export function sample(options: SampleOptions = {}): Sampler {
  const processors: LogitsProcessor[] = [];
  if (options.temperature !== undefined) processors.push(temperature(options.temperature));
  if (options.topK !== undefined) processors.push(topK(options.topK));
  if (options.topP !== undefined) processors.push(topP(options.topP));
  if (options.minP !== undefined) processors.push(minP(options.minP));
  return (logits, rng) => {
    const processed = processors.length > 0 ? logits.slice() : logits;
    for (const processor of processors) processor(processed, noRow);
    return draw(processed, rng.next());
  };
}

/** The processors of `sample` look at logits only. */
const noRow: GeneratedRow = { index: 0, tokens: [], promptLength: 0, maxNewTokens: 0, stopTokens: [] };

/** A token by its share of the softmax: the first one in descending order at which the shares pass `uniform`. */
function draw(logits: Float32Array, uniform: number): number {
  const ids = descending(logits);
  const weights = ids.map((id) => Math.exp(logits[id]! - logits[ids[0]!]!));
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < ids.length; i++) {
    left -= weights[i]!;
    if (left < 0) return ids[i]!;
  }
  return ids.at(-1)!;
}
