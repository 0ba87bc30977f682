import { byteSymbols } from "./byte-tokenizer.ts";
import { ANY_CHARACTER } from "./character-tokenizer.ts";
import { showCharacter, TokenizerError } from "./errors.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

// In every browser and Node, but not in the ES2022 library this package is compiled against.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** Encodes a text that is known to be Unicode. */
export type DirectEncoding = (text: string) => Int32Array;

const isOneCharacter = (token: string): boolean =>
  token !== "" && token.length === String.fromCodePoint(token.codePointAt(0)!).length;

function isCharacterModel({ model, pre_tokenizer: pre }: TokenizerFile, tokens: readonly string[]): boolean {
  if (model.type !== "WordLevel" || pre?.type !== "Split" || pre["behavior"] !== "Isolated" || pre["invert"])
    return false;
  const { Regex } = pre["pattern"] as { readonly Regex?: string };
  return Regex === ANY_CHARACTER && tokens.every(isOneCharacter) && !tokens.includes(String(model["unk_token"]));
}

function isByteModel({ model, pre_tokenizer: pre }: TokenizerFile, ids: ReadonlyMap<string, number>): boolean {
  if (model.type !== "BPE" || pre?.type !== "ByteLevel" || pre["add_prefix_space"]) return false;
  if ((model["merges"] as readonly unknown[]).length > 0 || model["end_of_word_suffix"] || model["ignore_merges"])
    return false;
  return ids.size === 256 && byteSymbols().every((symbol) => ids.has(symbol));
}

function encodeCharacters(text: string, ids: ReadonlyMap<string, number>): Int32Array {
  const encoded = new Int32Array(text.length);
  let count = 0;
  let position = 0;
  for (const character of text) {
    const id = ids.get(character);
    if (id === undefined) {
      throw new TokenizerError(
        "text",
        `encode: text has ${showCharacter(character)} at position ${position}, expected only the ${ids.size} characters this tokenizer was trained on. Leave it out, or train on text that contains it`,
      );
    }
    encoded[count++] = id;
    position += character.length;
  }
  return encoded.slice(0, count);
}

/**
 * A quick way to the ids the library would give, for files as they are made here: one look-up a character or byte.
 * Undefined for all other files.
 */
export function directEncoding(file: TokenizerFile, ids: ReadonlyMap<string, number>): DirectEncoding | undefined {
  if (file.normalizer !== null || file.post_processor !== null || file.added_tokens.length > 0) return undefined;
  if (isCharacterModel(file, [...ids.keys()])) return (text) => encodeCharacters(text, ids);
  if (!isByteModel(file, ids)) return undefined;
  const idOfByte = byteSymbols().map((symbol) => ids.get(symbol)!);
  return (text) => Int32Array.from(new TextEncoder().encode(text), (byte) => idOfByte[byte]!);
}
