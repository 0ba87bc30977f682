import { PriorityQueue } from "./priority-queue.ts";

/** A distinct word: its symbols from left to right, as ids, and how often it occurs. */
export interface Word {
  symbols: number[];
  readonly count: number;
}

/** What {@link learnMerges} needs beside the words. */
export interface MergeOptions {
  /** tokens so far, id by position; new ones are added behind */
  readonly tokens: string[];
  /** learn until there are this many tokens */
  readonly vocabSize: number;
  /** leave pairs that occur less often */
  readonly minFrequency: number;
  /** the token of two joined ones; default: one after the other */
  readonly join?: (left: string, right: string) => string;
  readonly onToken?: (() => void) | undefined;
}

interface Candidate {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** Ids stay far below this, so that two of them fit exactly into one number. */
const idRange = 2 ** 26;

/** Most frequent first; among equals the pair with the smaller ids, so that the result depends on nothing else. */
const isBefore = (a: Candidate, b: Candidate): boolean =>
  a.count !== b.count ? a.count > b.count : a.left !== b.left ? a.left < b.left : a.right < b.right;

/** How often each pair of neighbors occurs, and in which words: kept up to date while words change. */
class PairCounts {
  private readonly counts = new Map<number, number>();
  private readonly places = new Map<number, Set<Word>>();
  private readonly queue = new PriorityQueue<Candidate>(isBefore);
  private changed = new Set<number>();

  add(left: number, right: number, word: Word, sign: 1 | -1): void {
    const key = left * idRange + right;
    this.counts.set(key, (this.counts.get(key) ?? 0) + sign * word.count);
    this.changed.add(key);
    if (sign < 0) return;
    const found = this.places.get(key);
    if (found) found.add(word);
    else this.places.set(key, new Set([word]));
  }

  private candidate(key: number): Candidate {
    const left = Math.floor(key / idRange);
    return { left, right: key - left * idRange, count: this.counts.get(key)! };
  }

  /** The pair to merge next. Counts in the queue may be old: then the pair goes back with its present one. */
  best(): Candidate | undefined {
    for (const key of this.changed) if (this.counts.get(key)! > 0) this.queue.push(this.candidate(key));
    this.changed = new Set();
    for (;;) {
      const found = this.queue.pop();
      if (!found) return undefined;
      const present = this.counts.get(found.left * idRange + found.right) ?? 0;
      if (present === found.count) return found;
    }
  }

  /** The words that may hold a pair, which is forgotten. */
  take({ left, right }: Candidate): Iterable<Word> {
    const key = left * idRange + right;
    const found = this.places.get(key) ?? [];
    this.places.delete(key);
    this.counts.delete(key);
    this.changed.delete(key);
    return found;
  }
}

/** Replaces each `left right` in a word by `joined`, from left to right. */
function mergeIn(word: Word, { left, right }: Candidate, joined: number, pairs: PairCounts): void {
  const before = word.symbols;
  const after: number[] = [];
  for (let i = 0; i < before.length; i++) {
    const isPair = before[i] === left && before[i + 1] === right;
    after.push(isPair ? joined : before[i]!);
    if (isPair) i++;
  }
  if (after.length === before.length) return;
  for (let i = 0; i + 1 < before.length; i++) {
    if (before[i] !== left || before[i + 1] !== right) pairs.add(before[i]!, before[i + 1]!, word, -1);
  }
  for (let i = 0; i + 1 < after.length; i++) pairs.add(after[i]!, after[i + 1]!, word, 1);
  word.symbols = after;
}

/**
 * Byte pair encoding: joins the most frequent pair of neighboring tokens into a new one, again and again.
 *
 * Changes the words' symbols and adds to `tokens`. Cost: a merge visits only the words that hold its pair.
 *
 * @returns the merges in their order, each as the two tokens
 * @see Sennrich et al. 2016, Neural Machine Translation of Rare Words with Subword Units, section 3.2, arXiv:1508.07909.
 *   Differs: ties go to the smaller ids, as in the Hugging Face tokenizers library.
 */
export function learnMerges(
  words: readonly Word[],
  { tokens, vocabSize, minFrequency, join = (left, right) => left + right, onToken }: MergeOptions,
): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new PairCounts();
  for (const word of words) {
    for (let i = 0; i + 1 < word.symbols.length; i++) pairs.add(word.symbols[i]!, word.symbols[i + 1]!, word, 1);
  }
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize) {
    const best = pairs.best();
    if (!best || best.count < minFrequency) break;
    const [left, right] = [tokens[best.left]!, tokens[best.right]!];
    const token = join(left, right);
    const joined = ids.get(token) ?? tokens.push(token) - 1;
    ids.set(token, joined);
    merges.push([left, right]);
    for (const word of pairs.take(best)) mergeIn(word, best, joined, pairs);
    onToken?.();
  }
  return merges;
}
