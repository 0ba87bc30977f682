import { full } from "@heed/attention";
import type { Rng } from "@heed/tensor";
import { shuffle } from "./choose.ts";
import type { Example, SequenceObjective } from "./objective.ts";
import { checkRate } from "./rates.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** Which places are picked together: a list of places for each word. */
export type WordsFn = (tokens: Int32Array) => readonly (readonly number[])[];

/** Options of {@link maskedLM}. */
export interface MaskedLMOptions {
  /** ids that stand for a token drawn at random are below it */
  readonly vocabSize: number;
  /** id that hides a token; BERT's [MASK] */
  readonly maskId: number;
  /** ids that are never picked nor drawn: class, separator, padding. Default none but maskId */
  readonly specialIds?: readonly number[];
  /** share of the other tokens that is picked, in (0, 1); default 0.15 */
  readonly maskRate?: number;
  /** of those picked, the share that becomes maskId and the share that becomes a random token; the others stay. Default 0.8 and 0.1 */
  readonly replace?: { readonly mask: number; readonly random: number };
  /** what is picked as a whole; default each token for itself. `wordPieces` gives whole words */
  readonly words?: WordsFn;
}

/**
 * Predict picked tokens from all others: most of them are hidden behind a mask id, some replaced by another token, some left.
 *
 * Drawn anew at every `prepare` (dynamic masking). Of n tokens that are not special round(n maskRate) are picked, at least
 * 1; with `words`, whole words in a random order as long as they fit into that number, and at least one. Every token keeps its
 * place: the inputs are as long as the tokens, so positions of masked tokens stay.
 *
 * Shapes: prepare T tokens -> T inputs and targets; loss logits [B, T, V], or [N, V] of `countedPlaces` alone -> [].
 *
 * @throws RangeError for rates out of range; from `prepare` if there is nothing to predict
 * @see Devlin et al. 2019, BERT, section 3.1 (Task 1) and appendix A.1, arXiv:1810.04805; Liu et al. 2019, RoBERTa, section
 *   4.1 (dynamic), arXiv:1907.11692. Differs: an exact number of picked tokens, and random ones are never special.
 * @example
 * const objective = maskedLM({ vocabSize: 100, maskId: 4, specialIds: [0, 1, 2] });
 * objective.prepare(Int32Array.of(1, 7, 8, 9, 2), rng(0)).inputs; // one of 7, 8, 9 is hidden
 */
export function maskedLM(options: MaskedLMOptions): SequenceObjective {
  checkMaskedLM("maskedLM", options);
  return {
    mask: full(),
    tokensFor: (T) => T,
    prepare: (tokens, rng) => maskTokens("maskedLM", tokens, options, rng),
    loss: (logits, example) => weightedCrossEntropy("maskedLM", logits, example),
  };
}

/** @throws RangeError for rates out of range, or if every id is special */
export function checkMaskedLM(
  where: string,
  { vocabSize, maskId, specialIds = [], maskRate = 0.15, replace }: MaskedLMOptions,
): void {
  checkRate(where, "maskRate", maskRate);
  const { mask, random } = replace ?? { mask: 0.8, random: 0.1 };
  if (!(mask >= 0 && random >= 0 && mask + random <= 1))
    throw new RangeError(
      `${where}: replace is out of range, expected mask and random >= 0 with a sum of at most 1, got ${mask} and ${random}`,
    );
  const numSpecial = new Set([...specialIds, maskId].filter((id) => id < vocabSize)).size;
  if (numSpecial >= vocabSize)
    throw new RangeError(
      `${where}: specialIds leaves no token, expected fewer than vocabSize=${vocabSize}, got ${numSpecial}`,
    );
}

/** Picks, hides and says what was there. @throws RangeError if there is nothing to predict */
export function maskTokens(where: string, tokens: Int32Array, options: MaskedLMOptions, rng: Rng): Example {
  const { vocabSize, maskId, specialIds = [], maskRate = 0.15, words } = options;
  const { mask, random } = options.replace ?? { mask: 0.8, random: 0.1 };
  const special = new Set([...specialIds, maskId]);
  const groups = (words ? placesOf(where, words, tokens) : Array.from(tokens, (_, place) => [place]))
    .map((places) => places.filter((place) => !special.has(tokens[place]!)))
    .filter((places) => places.length > 0);
  if (groups.length === 0)
    throw new RangeError(
      `${where}: tokens has nothing left to predict, expected at least one id that is not special, got ${tokens.length} tokens. Leave it out`,
    );
  const inputs = tokens.slice();
  const lossWeights = new Float32Array(tokens.length);
  for (const place of pick(groups, maskRate, rng)) {
    lossWeights[place] = 1;
    const draw = rng.next();
    if (draw < mask) inputs[place] = maskId;
    else if (draw < mask + random) inputs[place] = drawToken(vocabSize, special, rng);
  }
  return { inputs, targets: tokens.slice(), lossWeights };
}

function placesOf(where: string, words: WordsFn, tokens: Int32Array): readonly (readonly number[])[] {
  const found = words(tokens);
  const outside = found.flat().find((place) => tokens[place] === undefined);
  if (outside !== undefined)
    throw new RangeError(`${where}: words has a place out of range, expected 0..${tokens.length - 1}, got ${outside}`);
  return found;
}

/** Places of as many groups, in a random order, as fit into the share of all places; one at least. */
function pick(groups: readonly (readonly number[])[], maskRate: number, rng: Rng): number[] {
  const count = groups.reduce((sum, places) => sum + places.length, 0);
  const budget = Math.max(1, Math.round(count * maskRate));
  const picked: number[] = [];
  for (const places of shuffle(groups, rng)) {
    if (picked.length > 0 && picked.length + places.length > budget) continue;
    picked.push(...places);
    if (picked.length >= budget) break;
  }
  return picked.sort((a, b) => a - b);
}

function drawToken(vocabSize: number, special: ReadonlySet<number>, rng: Rng): number {
  for (;;) {
    const id = rng.nextInteger(vocabSize);
    if (!special.has(id)) return id;
  }
}
