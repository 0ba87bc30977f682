import type { Rng } from "@heed/tensor";
import { shuffle } from "../choose.ts";
import { checkRate } from "../rates.ts";
import type { NoiseFn } from "./noise-fn.ts";

/** Options of {@link textInfilling}. */
export interface TextInfillingOptions {
  /** id that stands for a span of any length */
  readonly maskId: number;
  /** share of the tokens that is hidden, in (0, 1); default 0.3 */
  readonly rate?: number;
  /** mean of the Poisson distribution that lengths of spans follow, in tokens, > 0; default 3 */
  readonly meanSpan?: number;
}

/**
 * Hides spans, each behind one mask id; spans of length 0 are masks put in. The model must find out how many are missing.
 *
 * Exactly round(n rate) of n tokens, at least 1, are hidden: the last span is cut to fit. Every placing of the spans is as likely.
 *
 * @throws RangeError for a rate outside (0, 1), or a mean that is not positive or longer than the sequence
 * @see Lewis et al. 2020, BART, section 2.2 (Text Infilling), arXiv:1910.13461; Joshi et al. 2020, SpanBERT, arXiv:1907.10529.
 * @example
 * textInfilling({ maskId: 4, rate: 0.5 })(Int32Array.of(5, 6, 7, 8), rng(0)); // perhaps 5 4 8
 */
export function textInfilling({ maskId, rate = 0.3, meanSpan = 3 }: TextInfillingOptions): NoiseFn {
  checkRate("textInfilling", "rate", rate);
  if (!(meanSpan > 0 && meanSpan < 500))
    throw new RangeError(`textInfilling: meanSpan is out of range, expected a number in (0, 500), got ${meanSpan}`);
  return (tokens, rng) => {
    if (tokens.length === 0) return tokens.slice();
    if (meanSpan > tokens.length)
      throw new RangeError(
        `textInfilling: meanSpan is longer than the sequence, expected at most ${tokens.length} (from tokens), got ${meanSpan}. Give longer sequences or a shorter mean`,
      );
    const budget = Math.max(1, Math.round(tokens.length * rate));
    const spans = drawSpans(budget, meanSpan, rng);
    const kept = new Array<number | undefined>(tokens.length - budget).fill(undefined);
    const spoiled: number[] = [];
    let at = 0;
    for (const span of shuffle([...kept, ...spans], rng)) {
      spoiled.push(span === undefined ? tokens[at]! : maskId);
      at += span ?? 1;
    }
    return Int32Array.from(spoiled);
  };
}

/** Lengths of spans that add up to `total`. */
function drawSpans(total: number, mean: number, rng: Rng): number[] {
  const spans: number[] = [];
  for (let left = total; left > 0; left -= spans.at(-1)!) spans.push(Math.min(left, poisson(mean, rng)));
  return spans;
}

/** Number of events, by products of uniform numbers. @see Knuth 1969, The Art of Computer Programming, volume 2, 3.4.1. */
function poisson(mean: number, rng: Rng): number {
  const least = Math.exp(-mean);
  let count = 0;
  for (let product = 1 - rng.next(); product > least; product *= 1 - rng.next()) count++;
  return count;
}
