import type { LogitsProcessor } from "./logits-processor.ts";

/**
 * Divides logits: below 1 the probable tokens gain, above 1 the others.
 *
 * Shapes: logits [V].
 * @param value finite, > 0
 * @throws RangeError if it is not
 * @see Ackley et al. 1985, A Learning Algorithm for Boltzmann Machines, section 2.
 * @example
 * const cold = generate({ model, prompts: [prompt], maxNewTokens: 9, sampler: sample(), processors: [temperature(0.7)] });
 */
export function temperature(value: number): LogitsProcessor {
  if (!(value > 0 && value < Infinity))
    throw new RangeError(
      `temperature: value is out of range, expected a finite number > 0, got ${value}. Use greedy() for the limit 0`,
    );
  return (logits) => {
    for (let id = 0; id < logits.length; id++) logits[id]! /= value;
  };
}
