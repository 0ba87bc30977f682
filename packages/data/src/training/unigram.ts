import { addExpectedCounts, bestSegmentation, boundaries } from "./unigram-lattice.ts";

/** Options of {@link learnPieces}. */
export interface PieceOptions {
  /** pieces wanted */
  readonly numPieces: number;
  /** characters that a piece may have at most */
  readonly longest: number;
  readonly onPieces?: ((left: number) => void) | undefined;
}

type WordCounts = ReadonlyMap<string, number>;

/** Pieces that pruning keeps in one round. */
const shrinkingFactor = 0.75;
/** Candidates to begin with, as a multiple of the pieces wanted. */
const seedFactor = 10;
/** A piece expected less often than this in the whole text is dropped. */
const leastExpected = 0.5;

/**
 * Substrings that occur at least twice, with their counts. Longer ones are only counted where the shorter ones they
 * are made of occur twice as well, so rare substrings of rare words never take memory.
 */
function frequentSubstrings(words: WordCounts, longest: number): Map<string, number> {
  const found = new Map<string, number>();
  let shorter: ReadonlySet<string> | undefined;
  for (let length = 1; length <= longest; length++) {
    const counts = new Map<string, number>();
    for (const [word, count] of words) {
      const places = boundaries(word);
      for (let from = 0; from + length < places.length; from++) {
        const part = word.slice(places[from], places[from + length]);
        const isOpen =
          !shorter ||
          (shorter.has(word.slice(places[from], places[from + length - 1])) &&
            shorter.has(word.slice(places[from + 1], places[from + length])));
        if (isOpen) counts.set(part, (counts.get(part) ?? 0) + count);
      }
    }
    for (const [part, count] of counts) if (length > 1 && count < 2) counts.delete(part);
    if (counts.size === 0) break;
    for (const [part, count] of counts) found.set(part, count);
    shorter = new Set(counts.keys());
  }
  return found;
}

const isCharacter = (piece: string): boolean => piece.length <= 2 && boundaries(piece).length === 2;

/** Higher first; among equals the smaller string, so that the result does not depend on the order of the text. */
const byScore = ([a, x]: readonly [string, number], [b, y]: readonly [string, number]): number =>
  y - x || (a < b ? -1 : a > b ? 1 : 0);

/** All characters, and the substrings that cover most text: count times length. */
function seedPieces(words: WordCounts, { numPieces, longest }: PieceOptions): Map<string, number> {
  const all = [...frequentSubstrings(words, longest)];
  const characters = all.filter(([piece]) => isCharacter(piece));
  const longer = all
    .filter(([piece]) => !isCharacter(piece))
    .map(([piece, count]) => [piece, count * (boundaries(piece).length - 1)] as const)
    .sort(byScore)
    .slice(0, seedFactor * numPieces);
  const scores = [...characters, ...longer];
  const total = Math.log(scores.reduce((sum, [, score]) => sum + score, 0));
  return new Map(scores.map(([piece, score]) => [piece, Math.log(score) - total]));
}

/** The derivative of the logarithm of the gamma function, x > 0: the recurrence up to 7, then the asymptotic series. */
export function digamma(x: number): number {
  let result = 0;
  let at = x;
  for (; at < 7; at++) result -= 1 / at;
  const shifted = 1 / (at * at);
  const series = shifted * (1 / 12 - shifted * (1 / 120 - shifted * (1 / 252 - shifted / 240)));
  return result + Math.log(at) - 0.5 / at - series;
}

/** One round of expectation maximization. Characters stay, however rare. */
function improve(words: WordCounts, pieces: Map<string, number>, longest: number): Map<string, number> {
  const expected = new Map<string, number>();
  for (const [word, count] of words) addExpectedCounts(word, count, { pieces, longest, expected });
  const kept: [string, number][] = [];
  for (const piece of pieces.keys()) {
    const count = expected.get(piece) ?? 0;
    if (count >= leastExpected || isCharacter(piece)) kept.push([piece, Math.max(count, leastExpected)]);
  }
  const total = digamma(kept.reduce((sum, [, count]) => sum + count, 0));
  return new Map(kept.map(([piece, count]) => [piece, digamma(count) - total]));
}

/** Leaves out the pieces whose loss costs the text least probability. */
function prune(
  words: WordCounts,
  pieces: Map<string, number>,
  { numPieces, longest }: PieceOptions,
): Map<string, number> {
  const frequency = new Map<string, number>();
  let total = 0;
  for (const [word, count] of words) {
    for (const piece of bestSegmentation(word, { pieces, longest }) ?? []) {
      frequency.set(piece, (frequency.get(piece) ?? 0) + count);
      total += count;
    }
  }
  const characters: [string, number][] = [];
  const losses: [string, number][] = [];
  for (const [piece, score] of pieces) {
    if (isCharacter(piece)) {
      characters.push([piece, score]);
      continue;
    }
    const count = frequency.get(piece) ?? 0;
    if (count === 0) continue;
    const instead = bestSegmentation(piece, { pieces, longest, without: piece })!;
    const newTotal = Math.log(total + count * (instead.length - 1));
    const without = instead.reduce((sum, part) => sum + Math.log((frequency.get(part) ?? 0) + count) - newTotal, 0);
    losses.push([piece, (count / total) * (Math.log(count) - Math.log(total) - without)]);
  }
  const room = Math.max(
    numPieces - characters.length,
    Math.floor(shrinkingFactor * pieces.size) - characters.length,
    0,
  );
  const longer = losses.sort(byScore).slice(0, room);
  return new Map([...characters, ...longer.map(([piece]) => [piece, pieces.get(piece)!] as [string, number])]);
}

/**
 * A unigram language model of pieces: starts from many substrings, fits their probabilities by expectation maximization,
 * and prunes those that matter least, until `numPieces` are left. Every character of the words stays a piece.
 *
 * @returns pieces with their log probabilities, most probable first; fewer than `numPieces` where the text has fewer
 * @see Kudo 2018, Subword Regularization, section 3.2, arXiv:1804.10959, and the trainer of google/sentencepiece.
 *   Differs: candidates come from counting substrings of distinct words, and losses are exact for one removal at a time.
 */
export function learnPieces(words: WordCounts, options: PieceOptions): [string, number][] {
  const { numPieces, longest, onPieces } = options;
  let pieces = seedPieces(words, options);
  // The last pruning goes below what is wanted by a tenth more, so that the final fit still chooses.
  const nearly = Math.floor(1.1 * numPieces);
  for (;;) {
    for (let round = 0; round < 2; round++) pieces = improve(words, pieces, longest);
    onPieces?.(pieces.size);
    if (pieces.size <= nearly) break;
    const smaller = prune(words, pieces, { ...options, numPieces: nearly });
    if (smaller.size === pieces.size) break;
    pieces = smaller;
  }
  const all = [...pieces].sort(byScore);
  const characters = all.filter(([piece]) => isCharacter(piece));
  const longer = all.filter(([piece]) => !isCharacter(piece)).slice(0, Math.max(0, numPieces - characters.length));
  return [...characters, ...longer].sort(byScore);
}
