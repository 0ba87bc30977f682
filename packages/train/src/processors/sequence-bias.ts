import type { LogitsProcessor } from "./logits-processor.ts";
import { checkSequences, isBegun } from "./sequence-ends.ts";
import { checkInVocabulary } from "./token-ids.ts";

/** Tokens in a row, and how much likelier they get. */
export interface BiasedSequence {
  /** at least one token id */
  readonly tokens: readonly number[];
  /** added to the logit of the last token, finite */
  readonly bias: number;
}

/**
 * Adds a bias to the last token of each sequence where the row, prompt included, ends with the tokens before it.
 *
 * A sequence of one token is biased everywhere. One of n > 1 counts only in rows of n tokens or more. Biases of several
 * sequences that end with the same token add up.
 *
 * Shapes: logits [V].
 * @param sequences at least one, all different
 * @throws RangeError if there is none, one is empty or comes twice, or a bias is not finite; while generating, for a token
 *   outside the vocabulary
 * @see `sequence_bias` of Hugging Face transformers, whose rule for short rows this is.
 * @example
 * const fond = generate({ model, prompts: [prompt], maxNewTokens: 9, processors: [sequenceBias([{ tokens: [4, 2], bias: 1.5 }])] });
 */
export function sequenceBias(sequences: readonly BiasedSequence[]): LogitsProcessor {
  const all = sequences.map(({ tokens }) => tokens);
  checkSequences("sequenceBias", all);
  sequences.forEach(({ tokens, bias }, i) => {
    if (!Number.isFinite(bias))
      throw new RangeError(
        `sequenceBias: the bias of sequences[${i}] is out of range, expected a finite number, got ${bias}. Forbid with forbiddenSequences()`,
      );
    const first = all.findIndex((other) => other.join() === tokens.join());
    if (first < i)
      throw new RangeError(`sequenceBias: sequences[${i}] has the tokens of sequences[${first}], expected others`);
  });
  const ids = all.flat();
  return (logits, row) => {
    checkInVocabulary("sequenceBias", ids, logits);
    for (const { tokens, bias } of sequences) if (isBegun(tokens, row.tokens)) logits[tokens.at(-1)!]! += bias;
  };
}
