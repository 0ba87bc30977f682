import type { TokenizerFile } from "./tokenizer-file.ts";

/** Turns text into token ids and back. */
export interface Tokenizer {
  /** number of tokens; ids are 0..vocabSize - 1 */
  readonly vocabSize: number;
  /**
   * The ids of a text's tokens, with those that the file's post-processor puts around it.
   *
   * @param options.addSpecialTokens false leaves the latter out; default true
   * @throws TokenizerError (text) if the text has a character without a token, or a surrogate without its partner
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): Int32Array;
  /**
   * The text of ids, special tokens included.
   *
   * @throws RangeError if an id is not a whole number in 0..vocabSize - 1
   */
  decode(ids: ArrayLike<number>): string;
  /** The id of a token as the file spells it, or undefined. */
  tokenToId(token: string): number | undefined;
  /** The token of an id as the file spells it, or undefined. */
  idToToken(id: number): string | undefined;
  /** The content of the `tokenizer.json`. */
  toJSON(): TokenizerFile;
}
