/** Options of {@link corruptSpans}. */
export interface CorruptSpansOptions {
  /** sentinels count down from vocabSize - 1 */
  readonly vocabSize: number;
  /** id behind both parts */
  readonly endId: number;
}

/**
 * Parts tokens in two that complete each other: what is kept, each hidden span replaced by a sentinel; and what is hidden,
 * each kept span replaced by a sentinel.
 *
 * @param hidden 1 for each token to hide, as many as tokens
 * @throws RangeError if hidden has another length
 * @see Raffel et al. 2020, T5, section 3.1.4 and figure 2, arXiv:1910.10683.
 * @example
 * const parts = corruptSpans(Int32Array.of(5, 6, 7), Int32Array.of(0, 1, 1), { vocabSize: 100, endId: 1 });
 * // inputs 5 99 1, targets 99 6 7 1
 */
export function corruptSpans(
  tokens: Int32Array,
  hidden: ArrayLike<number>,
  { vocabSize, endId }: CorruptSpansOptions,
): { inputs: Int32Array; targets: Int32Array } {
  if (hidden.length !== tokens.length)
    throw new RangeError(`corruptSpans: hidden has length ${hidden.length}, expected ${tokens.length} (from tokens)`);
  const part = (replaced: number): Int32Array => {
    const ids: number[] = [];
    let sentinel = vocabSize;
    tokens.forEach((id, i) => {
      const isReplaced = Number(hidden[i] !== 0) === replaced;
      if (!isReplaced) ids.push(id);
      else if (i === 0 || Number(hidden[i - 1] !== 0) !== replaced) ids.push(--sentinel);
    });
    return Int32Array.of(...ids, endId);
  };
  return { inputs: part(1), targets: part(0) };
}
