import { TokenizerError } from "../errors.ts";
import type { AddedToken, JsonObject, TokenizerComponent } from "../tokenizer-file.ts";
import type { TrainingProgress } from "./word-counts.ts";

/** What every trainer of this package can be told. */
export interface TrainingOptions {
  /** tokens in all: special ones, single characters or bytes, and learned ones; fewer where the text has fewer */
  readonly vocabSize: number;
  /** called now and then with how far training has come */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** @throws RangeError if the number is not whole or below `least` */
export function expectCount(caller: string, name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${caller}: ${name} is out of range, expected a whole number >= ${least}, got ${value}`);
}

/** @throws RangeError if what every text needs does not fit into the vocabulary */
export function expectRoom(caller: string, vocabSize: number, needed: number, what: string): void {
  if (needed <= vocabSize) return;
  throw new RangeError(
    `${caller}: vocabSize is too small, expected at least ${needed} (${what}), got ${vocabSize}. Ask for a larger vocabulary`,
  );
}

/** Special tokens as the file lists them; `firstId` is that of the first, the others follow. */
export function addSpecialTokens(caller: string, tokens: readonly string[], firstId = 0): AddedToken[] {
  tokens.forEach((token, i) => {
    if (typeof token === "string" && token !== "" && tokens.indexOf(token) === i) return;
    throw new TokenizerError(
      "text",
      `${caller}: specialTokens[${i}] is ${token === "" ? "empty" : "wrong or named twice"}, expected distinct strings, got ${JSON.stringify(token)}`,
    );
  });
  return tokens.map((content, i) => ({
    ...{ id: firstId + i, content, single_word: false, lstrip: false, rstrip: false },
    ...{ normalized: false, special: true },
  }));
}

type Piece = "A" | "B" | string;

/**
 * A post-processor that puts special tokens around one text and around two. Pieces are "A", "B" (the texts) or a special
 * token, each with the segment it belongs to.
 */
export function template(
  single: readonly (readonly [Piece, segment: number])[],
  pair: readonly (readonly [Piece, segment: number])[],
  idOf: (token: string) => number,
): TokenizerComponent {
  const isText = (piece: Piece): boolean => piece === "A" || piece === "B";
  const list = (pieces: typeof single): JsonObject[] =>
    pieces.map(([piece, segment]) => ({
      [isText(piece) ? "Sequence" : "SpecialToken"]: { id: piece, type_id: segment },
    }));
  const specials = new Set([...single, ...pair].map(([piece]) => piece).filter((piece) => !isText(piece)));
  return {
    type: "TemplateProcessing",
    single: list(single),
    pair: list(pair),
    special_tokens: Object.fromEntries(
      [...specials].map((token) => [token, { id: token, ids: [idOf(token)], tokens: [token] }]),
    ),
  };
}
