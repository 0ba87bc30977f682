import { TokenizerError } from "../errors.ts";
import type { AddedToken, TokenizerComponent, TokenizerFile } from "../tokenizer-file.ts";
import { byteOrigins, normalizedOrigins, OriginReader, type Origins } from "./origins.ts";

/** The steps of the library that offsets follow one by one. */
export interface LibraryParts {
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string) => string[]) | null;
  readonly model: (words: readonly string[]) => string[];
}

/** A token and the part of the text it came from, in code units, [start, end). */
export interface PlacedToken {
  readonly token: string;
  readonly start: number;
  readonly end: number;
}

const unsupported = (reason: string): TokenizerError =>
  new TokenizerError(
    "unsupported",
    `encodeBatch: offsets are not known (${reason}), expected a tokenizer whose tokens can be found in the text. Leave withOffsets out`,
  );

/** The component of a type in a slot, be it alone or in a sequence. */
function find(component: TokenizerComponent | null, type: string): TokenizerComponent | undefined {
  if (component === null || component.type === type) return component ?? undefined;
  const inner = component["pretokenizers"] as unknown as readonly TokenizerComponent[] | undefined;
  return inner?.map((part) => find(part, type)).find((part) => part !== undefined);
}

const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** Cuts a text at its added tokens. */
function* cutAtAdded(
  text: string,
  added: readonly AddedToken[],
): Generator<{ part: string; at: number; isAdded: boolean }> {
  const contents = added.map(({ content }) => content).sort((a, b) => b.length - a.length);
  const pattern = contents.length > 0 ? new RegExp(contents.map(escapePattern).join("|"), "gu") : undefined;
  let at = 0;
  for (const { 0: found, index } of pattern ? text.matchAll(pattern) : []) {
    const token = added.find(({ content }) => content === found)!;
    if (token.single_word || token.lstrip || token.rstrip)
      throw unsupported(`the added token ${found} takes in its neighbors`);
    if (index > at) yield { part: text.slice(at, index), at, isAdded: false };
    yield { part: found, at: index, isAdded: true };
    at = index + found.length;
  }
  if (at < text.length) yield { part: text.slice(at), at, isAdded: false };
}

/** The tokens of one word, each with the piece of the word it stands for. */
function piecesOf(word: string, tokens: readonly string[], { model }: TokenizerFile): [token: string, piece: string][] {
  const unknown = model["unk_token"];
  if (model.type === "WordPiece" || model.type === "WordLevel") {
    const prefix = String(model["continuing_subword_prefix"] ?? "");
    if (tokens.length === 1 && tokens[0] === unknown) return [[tokens[0]!, word]];
    return tokens.map((token, i) => [
      token,
      i > 0 && prefix && token.startsWith(prefix) ? token.slice(prefix.length) : token,
    ]);
  }
  const characters = [...word];
  let at = 0;
  return tokens.map((token) => {
    if (token === unknown) return [token, characters[at++] ?? ""];
    const piece =
      String(model["end_of_word_suffix"] ?? "") && token.endsWith(String(model["end_of_word_suffix"]))
        ? token.slice(0, -String(model["end_of_word_suffix"]).length)
        : token;
    at += [...piece].length;
    return [token, piece];
  });
}

function originsOf(part: string, { pre_tokenizer }: TokenizerFile, normalize: (text: string) => string): Origins {
  const byteLevel = find(pre_tokenizer, "ByteLevel");
  if (!byteLevel) return normalizedOrigins(part, normalize);
  const normal = normalize(part);
  if (normal !== part) throw unsupported("a normalizer changes the text before it is cut into bytes");
  return byteOrigins(part, byteLevel["add_prefix_space"] === true);
}

/** Byte-level tokens hold the space before their word; a post-processor may leave it out of their place. */
function trimsSpaces({ post_processor: processor }: Pick<TokenizerFile, "post_processor">): boolean {
  if (processor?.type === "ByteLevel" || processor?.type === "RobertaProcessing")
    return processor["trim_offsets"] !== false;
  const inner = processor?.["processors"] as unknown as readonly TokenizerComponent[] | undefined;
  return inner?.some((part) => trimsSpaces({ post_processor: part })) ?? false;
}

function trimmed(text: string, start: number, end: number): [start: number, end: number] {
  const part = text.slice(start, end);
  const leading = part.length - part.trimStart().length;
  return part.trim() === "" ? [end, end] : [start + leading, start + part.trimEnd().length];
}

/**
 * The tokens of a text, without those of the template, and where each came from.
 *
 * @throws TokenizerError (unsupported) where a step changes the text so that tokens cannot be found in it
 */
export function encodeWithOffsets(text: string, file: TokenizerFile, parts: LibraryParts): PlacedToken[] {
  const normalize = parts.normalizer ?? ((given: string) => given);
  const mark = String(find(file.pre_tokenizer, "Metaspace")?.["replacement"] ?? "\u2581");
  const trims = trimsSpaces(file);
  const placed: PlacedToken[] = [];
  for (const { part, at, isAdded } of cutAtAdded(text, file.added_tokens)) {
    if (isAdded) {
      placed.push({ token: part, start: at, end: at + part.length });
      continue;
    }
    const reader = new OriginReader(originsOf(part, file, normalize));
    const normal = normalize(part);
    for (const word of parts.pre_tokenizer ? parts.pre_tokenizer(normal) : [normal]) {
      for (const [token, piece] of piecesOf(word, parts.model([word]), file)) {
        const found = reader.read(piece, mark);
        if (!found) throw unsupported(`the token ${JSON.stringify(token)} is not in the text where it should be`);
        const [start, end] = trims ? trimmed(part, ...found) : found;
        placed.push({ token, start: at + start, end: at + end });
      }
    }
  }
  return placed;
}
