import { encodeWithOffsets } from "./encoding/encode-with-offsets.ts";
import { libraryParts } from "./encoding/library-parts.ts";
import { type Template, templateOf } from "./encoding/template.ts";
import { TokenizerError } from "./errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Which text gives way where a row is too long: the longer one token by token, one of the two, or none (an error). */
export type Truncation = "longest-first" | "only-first" | "only-second" | "none";

/** Options of {@link encodeBatch}. */
export interface EncodeBatchOptions {
  /** most tokens of a row, special ones included; default no limit */
  readonly maxLength?: number;
  /** default "longest-first" */
  readonly truncation?: Truncation;
  /** length of every row; default that of the longest */
  readonly padTo?: number;
  /** side of the padding; default "right", "left" for generation */
  readonly padSide?: "left" | "right";
  /** fills rows; needed where they differ in length. Default the file's own padding token, then [PAD], then <pad> */
  readonly padToken?: string;
  /** also say which part of the text each token came from; default false */
  readonly withOffsets?: boolean;
}

/** Rows of equal length, row-major [B, T]. */
export interface TokenBatch {
  readonly B: number;
  readonly T: number;
  readonly tokens: Int32Array;
  /** 1 = token, 0 = padding */
  readonly mask: Uint8Array;
  /** the segment that the template gives each token: 0, or 1 for the second text */
  readonly segments: Int32Array;
  /** 0 = of the first text, 1 = of the second, -1 = special or padding */
  readonly sources: Int8Array;
  /** [B, T, 2]: code units of its text that a token came from, [start, end); -1 where there are none. With `withOffsets` */
  readonly offsets?: Int32Array;
}

interface Place {
  readonly id: number;
  readonly segment: number;
  readonly source: -1 | 0 | 1;
  readonly start: number;
  readonly end: number;
}

type Token = Pick<Place, "id" | "start" | "end">;

function tokensOf(tokenizer: Tokenizer, text: string, withOffsets: boolean): Token[] {
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  if (!withOffsets) return Array.from(ids, (id) => ({ id, start: -1, end: -1 }));
  const file = tokenizer.toJSON();
  const placed = encodeWithOffsets(text, file, libraryParts(file));
  const unknown = file.model.type === "Unigram" ? (file.model["unk_id"] as number) : undefined;
  const found = placed.map(({ token, start, end }) => ({
    id: tokenizer.tokenToId(token) ?? unknown ?? -1,
    start,
    end,
  }));
  // Offsets are worth something only if they belong to the very tokens that encoding gives.
  if (found.length === ids.length && found.every(({ id }, i) => id === ids[i])) return found;
  throw new TokenizerError(
    "unsupported",
    `encodeBatch: offsets are not known (encoding step by step gives ${found.length} other tokens), expected the ${ids.length} tokens of encode. Leave withOffsets out`,
  );
}

/** How many tokens of each text stay. */
function keptLengths(lengths: readonly number[], room: number, truncation: Truncation, row: number): number[] {
  const kept = [...lengths];
  const total = (): number => kept.reduce((sum, length) => sum + length, 0);
  const excess = total() - room;
  if (excess <= 0) return kept;
  const giving = truncation === "only-second" ? 1 : 0;
  if (truncation === "longest-first" && room >= 0) {
    while (total() > room) kept[(kept[1] ?? -1) > kept[0]! ? 1 : 0]!--;
    return kept;
  }
  if (truncation !== "none" && truncation !== "longest-first" && (kept[giving] ?? 0) > excess) {
    kept[giving]! -= excess;
    return kept;
  }
  throw new RangeError(
    `encodeBatch: texts[${row}] has ${lengths.join(" + ")} tokens, expected at most ${Math.max(0, room)} beside the special ones (from maxLength and truncation "${truncation}"). Shorten the text or choose another truncation`,
  );
}

function rowOf(
  tokenizer: Tokenizer,
  template: Template,
  texts: readonly string[],
  row: number,
  options: EncodeBatchOptions,
): Place[] {
  const { maxLength = Number.POSITIVE_INFINITY, truncation = "longest-first", withOffsets = false } = options;
  const pieces = texts.length === 2 ? template.pair : template.single;
  const encoded = texts.map((text) => tokensOf(tokenizer, text, withOffsets));
  const special = pieces.filter(({ kind }) => kind === "token").length;
  const lengths = encoded.map(({ length }) => length);
  const kept = keptLengths(lengths, maxLength - special, truncation, row);
  return pieces.flatMap((piece): Place[] => {
    if (piece.kind === "token")
      return [{ id: tokenizer.tokenToId(piece.token)!, segment: piece.segment, source: -1, start: -1, end: -1 }];
    const { which, segment } = piece;
    return encoded[which]!.slice(0, kept[which]).map((token) => ({ ...token, segment, source: which }));
  });
}

function padIdOf(tokenizer: Tokenizer, padToken: string | undefined): number | undefined {
  const { padding } = tokenizer.toJSON();
  const own =
    typeof padding === "object" && padding !== null && !Array.isArray(padding)
      ? (padding as { pad_token?: unknown }).pad_token
      : undefined;
  const names = padToken !== undefined ? [padToken] : [typeof own === "string" ? own : "[PAD]", "[PAD]", "<pad>"];
  const found = names.map((name) => tokenizer.tokenToId(name)).find((id) => id !== undefined);
  if (found !== undefined || padToken === undefined) return found;
  throw new RangeError(
    `encodeBatch: padToken is not in the vocabulary, expected one of its tokens, got ${JSON.stringify(padToken)}`,
  );
}

function expectOptions({ maxLength, padTo }: EncodeBatchOptions): void {
  for (const [name, value] of Object.entries({ maxLength, padTo })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`encodeBatch: ${name} is out of range, expected a whole number >= 1, got ${value}`);
  }
}

/**
 * Encodes texts, or pairs of texts, to rows of equal length: the file's template, truncation, padding, segments, and on
 * request the place of every token in its text.
 *
 * Shapes: B texts -> tokens, mask, segments, sources [B, T]; offsets [B, T, 2].
 *
 * @throws RangeError if a row is too long for its truncation, or rows differ in length without a padding token;
 *   TokenizerError if a text has no tokens for its characters, or offsets are not known
 * @see Devlin et al. 2019, BERT, section 3, arXiv:1810.04805 (pairs, segments, templates).
 * @example
 * const file = await trainWordPieceTokenizer(["who ran", "the dog ran home"], { vocabSize: 60 });
 * const { T, segments } = encodeBatch(loadTokenizer(file), [["who ran", "the dog"]]);
 * segments[T - 1]; // 1
 */
export function encodeBatch(
  tokenizer: Tokenizer,
  texts: readonly (string | readonly [string, string])[],
  options: EncodeBatchOptions = {},
): TokenBatch {
  expectOptions(options);
  const template = templateOf(tokenizer.toJSON());
  const rows = texts.map((text, row) =>
    rowOf(tokenizer, template, typeof text === "string" ? [text] : text, row, options),
  );
  const longest = rows.reduce((length, row) => Math.max(length, row.length), 0);
  const T = options.padTo ?? longest;
  if (longest > T)
    throw new RangeError(
      `encodeBatch: a row has ${longest} tokens, expected at most ${T} (from padTo). Give maxLength as well`,
    );
  const padId = padIdOf(tokenizer, options.padToken);
  if (padId === undefined && rows.some((row) => row.length < T))
    throw new RangeError(
      "encodeBatch: rows differ in length and the vocabulary has no padding token, expected [PAD], <pad> or a padToken. Name the token that fills rows",
    );
  return layOut(rows, T, {
    padId: padId ?? 0,
    padSide: options.padSide ?? "right",
    withOffsets: options.withOffsets ?? false,
  });
}

function layOut(
  rows: readonly (readonly Place[])[],
  T: number,
  {
    padId,
    padSide,
    withOffsets,
  }: { readonly padId: number; readonly padSide: "left" | "right"; readonly withOffsets: boolean },
): TokenBatch {
  const B = rows.length;
  const tokens = new Int32Array(B * T).fill(padId);
  const mask = new Uint8Array(B * T);
  const segments = new Int32Array(B * T);
  const sources = new Int8Array(B * T).fill(-1);
  const offsets = new Int32Array(withOffsets ? B * T * 2 : 0).fill(-1);
  rows.forEach((row, b) => {
    const first = b * T + (padSide === "left" ? T - row.length : 0);
    row.forEach(({ id, segment, source, start, end }, i) => {
      tokens[first + i] = id;
      mask[first + i] = 1;
      segments[first + i] = segment;
      sources[first + i] = source;
      if (withOffsets) offsets.set([start, end], 2 * (first + i));
    });
  });
  return { B, T, tokens, mask, segments, sources, ...(withOffsets && { offsets }) };
}
