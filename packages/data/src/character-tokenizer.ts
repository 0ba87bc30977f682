import { showCharacter, TokenizerError } from "./errors.ts";
import { findLoneSurrogate } from "./surrogates.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

/** Matches any one code point in both regular expression dialects that read the file; "." would leave out line breaks. */
export const ANY_CHARACTER = "[\\s\\S]";

/**
 * Makes a tokenizer with one token for each distinct character (Unicode code point) of `text`.
 *
 * Ids follow the order of code points. There is no token for unknown characters: encoding one is an error, here and in
 * Python, rather than a silent loss. The model is WordLevel over a split at every character.
 *
 * Cost: linear in the length of `text`.
 *
 * @param text one text, or the parts of one; a character may not be cut in two by a part's end
 * @throws TokenizerError (text) if there is no character, or a surrogate without its partner
 * @example
 * trainCharacterTokenizer("abba").model.vocab; // { a: 0, b: 1 }
 */
export function trainCharacterTokenizer(text: string | Iterable<string>): TokenizerFile {
  const seen = new Set<string>();
  for (const part of typeof text === "string" ? [text] : text) {
    const lone = findLoneSurrogate(part);
    if (lone >= 0) {
      throw new TokenizerError(
        "text",
        `trainCharacterTokenizer: text has a surrogate without its partner at position ${lone}, expected Unicode text, got ${showCharacter(part[lone]!)}. Decode the file again as UTF-8`,
      );
    }
    for (const character of part) seen.add(character);
  }
  if (seen.size === 0) {
    throw new TokenizerError(
      "text",
      "trainCharacterTokenizer: text is empty, expected at least one character, got none. Give the text to train on",
    );
  }
  const characters = [...seen].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Split", pattern: { Regex: ANY_CHARACTER }, behavior: "Isolated", invert: false },
    post_processor: null,
    decoder: { type: "Fuse" },
    // The format demands a name for the unknown token; no single character can equal it, so it is never used.
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(characters.map((character, id) => [character, id])),
      unk_token: "<unk>",
    },
  };
}
