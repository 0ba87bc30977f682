import { checkRate, roundHalfEven } from "../rates.ts";

/** How much of a sequence is hidden, in how many spans. */
export interface SpanRates {
  /** share of the tokens that is hidden, in (0, 1); default 0.15 */
  readonly maskRate?: number;
  /** mean length of a hidden span, in tokens, >= 1; default 3 */
  readonly meanSpan?: number;
}

/** The rates with their defaults. @throws RangeError for a rate outside (0, 1) or spans shorter than a token */
export function checkSpanRates(where: string, { maskRate = 0.15, meanSpan = 3 }: SpanRates): Required<SpanRates> {
  checkRate(where, "maskRate", maskRate);
  if (!(meanSpan >= 1 && meanSpan < Infinity))
    throw new RangeError(`${where}: meanSpan is out of range, expected a finite number >= 1, got ${meanSpan}`);
  return { maskRate, meanSpan };
}

/** Options of {@link spanCorruptionLengths}. */
export interface SpanLengthsOptions extends SpanRates {
  /** places the encoder has, the end id included, whole number >= 2 */
  readonly inputLength: number;
}

const inputsOf = (numTokens: number, { maskRate, meanSpan }: Required<SpanRates>) => {
  const numHidden = roundHalfEven(numTokens * maskRate);
  const numSpans = roundHalfEven(numHidden / meanSpan);
  return { inputs: numTokens - numHidden + numSpans + 1, targets: numHidden + numSpans + 1 };
};

/**
 * How many tokens to take so that, with their spans hidden and the end id, they fill `inputLength` places; and how many
 * places their targets fill. Hugging Face's rule as it is: where it rounds to no span or halves meet, an example is a
 * place shorter or longer; `tokensFor` of `spanCorruption` is exact.
 *
 * @throws RangeError for rates or a length out of range
 * @see Raffel et al. 2020, T5, section 3.1.4, arXiv:1910.10683; compute_input_and_target_lengths of Hugging Face's
 *   run_t5_mlm_flax.
 * @example
 * spanCorruptionLengths({ inputLength: 512 }); // { numTokens: 568, targetLength: 114 }
 */
export function spanCorruptionLengths(options: SpanLengthsOptions): { numTokens: number; targetLength: number } {
  const { inputLength } = options;
  const rates = checkSpanRates("spanCorruptionLengths", options);
  if (!Number.isSafeInteger(inputLength) || inputLength < 2 || inputLength > 2 ** 24)
    throw new RangeError(
      `spanCorruptionLengths: inputLength is out of range, expected a whole number in 2..16777216, got ${inputLength}`,
    );
  let numTokens = inputLength;
  while (inputsOf(numTokens + 1, rates).inputs <= inputLength) numTokens++;
  const { inputs, targets } = inputsOf(numTokens, rates);
  // With half of the tokens hidden the targets may be the longer ones; equal lengths are wanted.
  if (rates.maskRate === 0.5 && targets > inputs) return { numTokens: numTokens - 1, targetLength: targets - 1 };
  return { numTokens, targetLength: targets };
}
