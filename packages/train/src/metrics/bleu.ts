/** What {@link bleu} found. */
export interface BleuScore {
  /** in [0, 100] */
  readonly score: number;
  /** share of the n-grams that a reference has, n = 1 to 4, in [0, 100]; smoothed where it would be 0 */
  readonly precisions: readonly number[];
  /** in (0, 1]: below 1 where the translations are shorter than the references */
  readonly brevityPenalty: number;
  /** tokens of the translations, and of the reference nearest in length to each */
  readonly length: number;
  readonly referenceLength: number;
}

const longest = 4;

/**
 * Splits a line as the WMT evaluation does ("13a"): entities decoded, punctuation apart, but points and commas inside numbers kept.
 *
 * @see mteval-v13a.pl of NIST, as in sacreBLEU (Post 2018, A Call for Clarity in Reporting BLEU Scores, arXiv:1804.08771).
 */
export function tokenize13a(line: string): string[] {
  const plain = line
    .replaceAll("<skipped>", "")
    .replaceAll("-\n", "")
    .replaceAll("\n", " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");
  return ` ${plain} `
    .replace(/[{-~[-` -&(-+:-@/]/g, " $& ")
    .replace(/([^0-9])([.,])/g, "$1 $2 ")
    .replace(/([.,])([^0-9])/g, " $1 $2")
    .replace(/([0-9])(-)/g, "$1 $2 ")
    .split(/\s+/)
    .filter((token) => token !== "");
}

/** How often each n-gram occurs. */
function countNgrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = tokens.slice(i, i + n).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** The length nearest to `length`; the shorter of two that are as near. */
function nearestLength(length: number, references: readonly (readonly string[])[]): number {
  return references
    .map((reference) => reference.length)
    .reduce((best, other) => {
      const difference = Math.abs(other - length) - Math.abs(best - length);
      return difference < 0 || (difference === 0 && other < best) ? other : best;
    });
}

/** N-grams of the translation that a reference has, each at most as often as the reference that has it most often. */
function matches(translation: readonly string[], references: readonly (readonly string[])[], n: number): number {
  const allowed = references.map((reference) => countNgrams(reference, n));
  let found = 0;
  for (const [gram, count] of countNgrams(translation, n))
    found += Math.min(count, Math.max(...allowed.map((counts) => counts.get(gram) ?? 0)));
  return found;
}

/** In percent. A length without any match counts as half a match, the next one as a quarter, and so on. */
function smoothedPrecisions(found: readonly number[], total: readonly number[]): number[] {
  let smoothing = 1;
  return found.map((count, i) => {
    if (total[i] === 0) return 0;
    if (count > 0) return (100 * count) / total[i]!;
    smoothing *= 2;
    return 100 / (smoothing * total[i]!);
  });
}

/**
 * BLEU of a corpus: the geometric mean of 1- to 4-gram precisions, times the brevity penalty. Case matters.
 *
 * Numbers equal those of sacreBLEU with its defaults (13a tokenization, exponential smoothing).
 *
 * @param translations one text per segment
 * @param references for each segment one text, or several
 * @throws RangeError if there is no segment, a segment has no reference, or the counts differ
 * @see Papineni et al. 2002, BLEU: a Method for Automatic Evaluation of Machine Translation; Post 2018, arXiv:1804.08771.
 * @example
 * bleu(["the cat sat on the mat"], ["the cat sat on the mat"]).score; // 100
 */
export function bleu(translations: readonly string[], references: readonly (string | readonly string[])[]): BleuScore {
  if (translations.length === 0 || translations.length !== references.length) {
    throw new RangeError(
      `bleu: references has ${references.length} segments, expected as many as translations and at least one, got ${translations.length} translations`,
    );
  }
  const found = new Array<number>(longest).fill(0);
  const total = new Array<number>(longest).fill(0);
  let [length, referenceLength] = [0, 0];
  translations.forEach((text, segment) => {
    const tokens = tokenize13a(text);
    const own = references[segment]!;
    const candidates = (typeof own === "string" ? [own] : own).map(tokenize13a);
    if (candidates.length === 0)
      throw new RangeError(`bleu: references[${segment}] is empty, expected at least one text`);
    length += tokens.length;
    referenceLength += nearestLength(tokens.length, candidates);
    for (let n = 1; n <= longest; n++) {
      found[n - 1]! += matches(tokens, candidates, n);
      total[n - 1]! += Math.max(0, tokens.length - n + 1);
    }
  });
  const precisions = smoothedPrecisions(found, total);
  const brevityPenalty = length >= referenceLength ? 1 : length === 0 ? 0 : Math.exp(1 - referenceLength / length);
  const isNothing = found.every((count) => count === 0) || precisions.includes(0);
  const mean = precisions.reduce((sum, precision) => sum + Math.log(precision), 0) / longest;
  return {
    score: isNothing ? 0 : brevityPenalty * Math.exp(mean),
    precisions,
    brevityPenalty,
    length,
    referenceLength,
  };
}
