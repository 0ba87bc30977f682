/** Options of {@link bestSpan}. */
export interface BestSpanOptions {
  /** first place that may belong to an answer */
  readonly from: number;
  /** end of those places, itself not among them */
  readonly to: number;
  /** tokens of an answer at most; default no limit */
  readonly maxTokens?: number;
  /** an answer must score more than no answer by this; default 0 */
  readonly threshold?: number;
}

/**
 * The answer that a row's logits tell: the span with the greatest sum of start and end logit, if it beats no answer,
 * the sum at place 0.
 *
 * Shapes: start [length], end [length]. Ties go to the first span. Cost: (to - from) maxTokens.
 *
 * @throws RangeError if from..to are no places of the row
 * @see Devlin et al. 2019, BERT, sections 4.2 and 4.3, arXiv:1810.04805.
 * @example
 * bestSpan([0, 0, 3, 0], [0, 1, 0, 2], { from: 1, to: 4 }); // { first: 2, last: 3, score: 5 }
 */
export function bestSpan(
  start: ArrayLike<number>,
  end: ArrayLike<number>,
  { from, to, maxTokens = to - from, threshold = 0 }: BestSpanOptions,
): { readonly first: number; readonly last: number; readonly score: number } | undefined {
  if (!(from >= 0 && from < to && to <= start.length && end.length === start.length))
    throw new RangeError(
      `bestSpan: from and to are no places of the row, expected 0 <= from < to <= ${Math.min(start.length, end.length)}, got ${from} and ${to}`,
    );
  let best = { first: from, last: from, score: -Infinity };
  for (let first = from; first < to; first++)
    for (let last = first; last < Math.min(to, first + maxTokens); last++) {
      const score = start[first]! + end[last]!;
      if (score > best.score) best = { first, last, score };
    }
  return best.score > start[0]! + end[0]! + threshold ? best : undefined;
}
