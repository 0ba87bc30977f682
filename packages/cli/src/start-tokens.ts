import { isTokenizerError, type Tokenizer } from "@heed/data";

/** What a text made from nothing begins with: a line break where the tokenizer has one, else its first token. */
export function startTokens(tokenizer: Tokenizer): Int32Array {
  try {
    return tokenizer.encode("\n");
  } catch (error) {
    if (isTokenizerError(error)) return Int32Array.of(0);
    throw error;
  }
}
