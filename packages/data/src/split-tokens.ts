/** A text in two parts. */
export interface TokenSplit {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** Options of {@link splitTokens}. */
export interface SplitTokensOptions {
  /** part of the tokens at the end that is kept back, 0 <= fraction < 1 */
  readonly validationFraction: number;
  /** if given, each part that is not empty must hold contextLength + 1 tokens, enough for one window */
  readonly contextLength?: number;
}

/**
 * Splits a text: training gets the first part, validation the rest, so that no window of one reaches into the other.
 *
 * train has floor(tokens.length * (1 - validationFraction)) tokens. Both parts are views of `tokens`, not copies.
 *
 * @throws RangeError if the fraction is out of range, or a part is shorter than contextLength + 1
 * @example
 * splitTokens(Int32Array.of(1, 2, 3, 4), { validationFraction: 0.25 }); // train 1 2 3, validation 4
 */
export function splitTokens(tokens: Int32Array, { validationFraction, contextLength }: SplitTokensOptions): TokenSplit {
  if (!(validationFraction >= 0 && validationFraction < 1)) {
    throw new RangeError(
      `splitTokens: validationFraction is out of range, expected 0 <= fraction < 1, got ${validationFraction}`,
    );
  }
  const cut = Math.floor(tokens.length * (1 - validationFraction));
  const split = { train: tokens.subarray(0, cut), validation: tokens.subarray(cut) };
  if (contextLength === undefined) return split;
  for (const [part, { length }] of Object.entries(split)) {
    if (length > contextLength || (part === "validation" && validationFraction === 0)) continue;
    throw new RangeError(
      `splitTokens: the ${part} part has ${length} tokens, expected at least ${contextLength + 1} (from contextLength ${contextLength}, ${tokens.length} tokens and validationFraction ${validationFraction}). Give more text, a shorter context or another fraction`,
    );
  }
  return split;
}
