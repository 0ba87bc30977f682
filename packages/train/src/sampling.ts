import type { Rng } from "@heed/tensor";

/**
 * Picks the next token from logits.
 *
 * Shapes: logits [V]; the same array must not be changed.
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
}

/**
 * A random token from the softmax of logits / temperature, cut to the top k, then to the nucleus p.
 *
 * Numerics: in float64, ordered by logit with ties to the lowest id, so the same logits and seed give the same token everywhere.
 * @throws RangeError for options out of range
 * @see Fan et al. 2018, Hierarchical Neural Story Generation (top-k), arXiv:1805.04833; Holtzman et al. 2019, The Curious
 *   Case of Neural Text Degeneration (nucleus), arXiv:1904.09751. The order of the filters is that of Hugging Face transformers.
 */
export function sample({ temperature = 1, topK, topP = 1 }: SampleOptions = {}): Sampler {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(
      `sample: temperature is out of range, expected a finite number > 0, got ${temperature}. Use greedy() for the limit 0`,
    );
  }
  if (topK !== undefined && !(Number.isSafeInteger(topK) && topK >= 1)) {
    throw new RangeError(`sample: topK is out of range, expected a whole number >= 1, got ${topK}`);
  }
  if (!(topP > 0 && topP <= 1))
    throw new RangeError(`sample: topP is out of range, expected a number in (0, 1], got ${topP}`);
  return (logits, rng) => {
    const ids = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b);
    const kept = ids.slice(0, Math.min(topK ?? ids.length, ids.length));
    const weights = kept.map((id) => Math.exp((logits[id]! - logits[kept[0]!]!) / temperature));
    return draw(kept, weights, nucleus(weights, topP), rng.next());
  };
}

/** How many leading weights first reach the fraction `topP` of their sum; at least one. */
function nucleus(weights: readonly number[], topP: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum >= topP * total) return i + 1;
  }
  return weights.length;
}

function draw(ids: readonly number[], weights: readonly number[], count: number, uniform: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i]!;
  let left = uniform * total;
  for (let i = 0; i < count; i++) {
    left -= weights[i]!;
    if (left < 0) return ids[i]!;
  }
  return ids[count - 1]!;
}
