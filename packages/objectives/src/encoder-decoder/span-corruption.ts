import { causal, full } from "@heed/attention";
import type { Rng } from "@heed/tensor";
import { choose } from "../choose.ts";
import { roundHalfEven } from "../rates.ts";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";
import { corruptSpans } from "./corrupt-spans.ts";
import type { EncoderDecoderObjective } from "./objective.ts";
import { shiftRight } from "./shift-right.ts";
import { checkSpanRates, type SpanRates } from "./span-lengths.ts";

/** Options of {@link spanCorruption}. */
export interface SpanCorruptionOptions extends SpanRates {
  /** the highest ids are the sentinels, one for each span */
  readonly vocabSize: number;
  /** id at the end of inputs and targets; default 1 */
  readonly endId?: number;
  /** id the decoder begins with; default 0 */
  readonly startId?: number;
  /** ids, from vocabSize - 1 down, that are no tokens; default 100 */
  readonly numSentinels?: number;
}

/**
 * Say what hidden spans of a text were (T5): each is one sentinel in the encoder's inputs, and the decoder writes every
 * sentinel and what it hides.
 *
 * Of n tokens exactly round(n maskRate) are hidden, at least 1 and at most n - 1, in round(hidden / meanSpan) spans; a row
 * begins with a kept span and ends with a hidden one, so that all examples of n tokens have the same lengths.
 *
 * Shapes: prepare n tokens -> inputs and targets; `tokensFor` says n for a wanted length of inputs. loss logits [B, T, V] -> [].
 *
 * @throws RangeError for rates out of range; from `prepare` for fewer than 2 tokens, spans that do not fit, or a token that is a sentinel
 * @see Raffel et al. 2020, Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, section 3.1.4,
 *   arXiv:1910.10683.
 * @example
 * const objective = spanCorruption({ vocabSize: 200, maskRate: 0.5, meanSpan: 2 });
 * const { inputs, targets } = objective.prepare(Int32Array.of(5, 6, 7, 8), rng(0)); // 5 6 199 1, 199 7 8 1
 */
export function spanCorruption(
  options: SpanCorruptionOptions,
): EncoderDecoderObjective & { tokensFor(T: number): number } {
  const { vocabSize, endId = 1, startId = 0, numSentinels = 100 } = options;
  const rates = checkSpanRates("spanCorruption", options);
  if (!(Number.isSafeInteger(numSentinels) && numSentinels >= 1 && numSentinels < vocabSize))
    throw new RangeError(
      `spanCorruption: numSentinels is out of range, expected a whole number in 1..${vocabSize - 1} (below vocabSize), got ${numSentinels}`,
    );
  return {
    mask: full(),
    decoderMask: causal(),
    tokensFor: (T) => tokensForInputs(T, rates),
    prepare(tokens, rng) {
      const sentinel = tokens.find((id) => id >= vocabSize - numSentinels);
      if (sentinel !== undefined)
        throw new RangeError(
          `spanCorruption: tokens has the sentinel ${sentinel}, expected ids below ${vocabSize - numSentinels} (vocabSize - numSentinels)`,
        );
      const hidden = drawSpans(tokens.length, rates, numSentinels, rng);
      const { inputs, targets } = corruptSpans(tokens, hidden, { vocabSize, endId });
      return {
        inputs,
        keep: new Int32Array(inputs.length).fill(1),
        decoderInputs: shiftRight(targets, { startId, paddingId: startId }),
        targets,
        lossWeights: new Float32Array(targets.length).fill(1),
      };
    },
    loss: (logits, example) => weightedCrossEntropy("spanCorruption", logits, example),
  };
}

/** How many of `length` tokens are hidden, and in how many spans. */
function countSpans(length: number, { maskRate, meanSpan }: Required<SpanRates>) {
  const numHidden = Math.min(Math.max(roundHalfEven(length * maskRate), 1), length - 1);
  return { numHidden, numSpans: Math.max(roundHalfEven(numHidden / meanSpan), 1) };
}

/** The most tokens whose kept ones, sentinels and end id fill T places. Each further token adds one place or none. */
function tokensForInputs(T: number, rates: Required<SpanRates>): number {
  if (!Number.isSafeInteger(T) || T < 3 || T > 2 ** 24)
    throw new RangeError(
      `spanCorruption: T is out of range, expected a whole number in 3..16777216 (one token, one sentinel, end id), got ${T}`,
    );
  const placesOf = (length: number): number => {
    const { numHidden, numSpans } = countSpans(length, rates);
    return length - numHidden + numSpans + 1;
  };
  let numTokens = 2;
  while (placesOf(numTokens + 1) <= T) numTokens++;
  return numTokens;
}

/** 1 for each hidden token: kept and hidden spans take turns, each division of their tokens being as likely. */
function drawSpans(length: number, rates: Required<SpanRates>, numSentinels: number, rng: Rng): Int32Array {
  if (length < 2)
    throw new RangeError(
      `spanCorruption: tokens has length ${length}, expected at least 2, one to read and one to predict`,
    );
  if (rates.meanSpan > length)
    throw new RangeError(
      `spanCorruption: meanSpan is longer than the sequence, expected at most ${length} (from tokens), got ${rates.meanSpan}. Give longer sequences or a shorter mean`,
    );
  const { numHidden, numSpans } = countSpans(length, rates);
  const most = Math.min(length - numHidden, numSentinels);
  if (numSpans > most)
    throw new RangeError(
      `spanCorruption: ${numHidden} of ${length} tokens would be hidden in ${numSpans} spans, expected at most ${most} (kept tokens to part them, sentinels to name them). Lower maskRate or raise meanSpan`,
    );
  const [kept, hidden] = [divide(length - numHidden, numSpans, rng), divide(numHidden, numSpans, rng)];
  const noise = new Int32Array(length);
  let at = 0;
  kept.forEach((size, span) => {
    noise.fill(1, at + size, at + size + hidden[span]!);
    at += size + hidden[span]!;
  });
  return noise;
}

/** `total` as a sum of `parts` positive numbers, every way as likely. */
function divide(total: number, parts: number, rng: Rng): number[] {
  const cuts = [...choose(total - 1, parts - 1, rng).map((cut) => cut + 1), total];
  return cuts.map((cut, i) => cut - (cuts[i - 1] ?? 0));
}
