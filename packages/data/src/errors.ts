/**
 * What kind of fault a {@link TokenizerError} reports.
 *
 * - `json`: the file is not JSON, or is nested too deeply
 * - `structure`: a field is missing, has the wrong type or a value outside its rule
 * - `vocabulary`: ids that repeat, leave holes or disagree
 * - `unsupported`: a valid file that needs something the tokenizer library does not do
 * - `text`: a text that cannot be trained on or encoded
 */
export type TokenizerErrorCode = "json" | "structure" | "vocabulary" | "unsupported" | "text";

/**
 * A tokenizer file or a text that cannot be used. Its message names the function, the place, what was expected, what
 * was found and what to do. Tell it by `code`, or across two installed copies by {@link isTokenizerError}.
 */
export class TokenizerError extends Error {
  override readonly name = "TokenizerError";
  /** The kind of fault, for programs. */
  readonly code: TokenizerErrorCode;

  constructor(code: TokenizerErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Whether `error` is a {@link TokenizerError}, also one thrown by another installed copy of this package.
 *
 * @example
 * isTokenizerError(new TokenizerError("text", "encode: ...")); // true
 */
export function isTokenizerError(error: unknown): error is TokenizerError {
  return error instanceof Error && error.name === "TokenizerError" && "code" in error;
}

/** A value of parsed JSON as it appears in a message, cut to a readable length. */
export function show(value: unknown): string {
  const text = value === undefined ? "nothing" : typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A character as it appears in a message: itself and its code point, or only the latter where it cannot be printed. */
export function showCharacter(character: string): string {
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Z}\p{M}]/u.test(character)
    ? `the character ${code}`
    : `the character "${character}" (${code})`;
}
