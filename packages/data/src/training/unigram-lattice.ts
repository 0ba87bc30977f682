/** Pieces with their log probabilities, natural logarithm. */
export type Pieces = ReadonlyMap<string, number>;

/** Where the characters (code points) of a word begin, and its end. */
export function boundaries(word: string): number[] {
  const places = [0];
  for (const character of word) places.push(places.at(-1)! + character.length);
  return places;
}

/** Calls `visit` with each piece that stands in the word: from boundary `from` to boundary `to`. Ordered by `to`. */
export function visitPieces(
  word: string,
  {
    places,
    pieces,
    longest,
  }: { readonly places: readonly number[]; readonly pieces: Pieces; readonly longest: number },
  visit: (from: number, to: number, piece: string, score: number) => void,
): void {
  for (let to = 1; to < places.length; to++) {
    for (let from = Math.max(0, to - longest); from < to; from++) {
      const piece = word.slice(places[from], places[to]);
      const score = pieces.get(piece);
      if (score !== undefined) visit(from, to, piece, score);
    }
  }
}

const logAdd = (a: number, b: number): number => {
  const larger = Math.max(a, b);
  return larger === Number.NEGATIVE_INFINITY ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
};

/**
 * Adds to `expected` how often each piece occurs in a word, weighed by the probabilities of all its segmentations.
 *
 * @returns the log probability of the word: that of all segmentations together
 */
export function addExpectedCounts(
  word: string,
  weight: number,
  {
    pieces,
    longest,
    expected,
  }: { readonly pieces: Pieces; readonly longest: number; readonly expected: Map<string, number> },
): number {
  const places = boundaries(word);
  const last = places.length - 1;
  const nodes: { from: number; to: number; piece: string; score: number }[] = [];
  const forward = new Float64Array(last + 1).fill(Number.NEGATIVE_INFINITY);
  const backward = forward.slice();
  forward[0] = backward[last] = 0;
  visitPieces(word, { places, pieces, longest }, (from, to, piece, score) => {
    nodes.push({ from, to, piece, score });
    forward[to] = logAdd(forward[to]!, forward[from]! + score);
  });
  const total = forward[last]!;
  if (total === Number.NEGATIVE_INFINITY) return total;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { from, to, score } = nodes[i]!;
    backward[from] = logAdd(backward[from]!, backward[to]! + score);
  }
  for (const { from, to, piece, score } of nodes) {
    const share = Math.exp(forward[from]! + score + backward[to]! - total);
    expected.set(piece, (expected.get(piece) ?? 0) + weight * share);
  }
  return total;
}

/** The most probable segmentation; `without` leaves one piece out. Undefined if there is none. */
export function bestSegmentation(
  word: string,
  { pieces, longest, without }: { readonly pieces: Pieces; readonly longest: number; readonly without?: string },
): string[] | undefined {
  const places = boundaries(word);
  const last = places.length - 1;
  const best = new Float64Array(last + 1).fill(Number.NEGATIVE_INFINITY);
  const cameFrom = new Int32Array(last + 1);
  best[0] = 0;
  visitPieces(word, { places, pieces, longest }, (from, to, piece, score) => {
    if (piece === without || best[from]! + score <= best[to]!) return;
    best[to] = best[from]! + score;
    cameFrom[to] = from;
  });
  if (best[last] === Number.NEGATIVE_INFINITY) return undefined;
  const found: string[] = [];
  for (let to = last; to > 0; to = cameFrom[to]!) found.push(word.slice(places[cameFrom[to]!], places[to]));
  return found.reverse();
}
