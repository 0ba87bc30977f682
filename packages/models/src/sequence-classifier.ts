import type { Linear } from "@heed/nn";
import {
  add,
  arange,
  bindShapes,
  cast,
  gather,
  max,
  mean,
  multiply,
  notEqual,
  reshape,
  type Tensor,
} from "@heed/tensor";
import type { Stack, StackOptions } from "./stack.ts";

/** Makes one vector of a sequence's states: states [B, T, E], tokens int32 [B, T] -> [B, E]. */
export type SequencePool = (
  states: Tensor,
  tokens: Tensor,
  options: { readonly padding?: Tensor | undefined },
) => Tensor;

/**
 * The state of each row's last real token, which in a causal model has read all others.
 *
 * Real is what is not `padTokenId`, wherever it stands; without it what `padding` calls real; without both the last token, and
 * then of one row only. A row without a real token gives its first state.
 *
 * Shapes: states [B, T, E], tokens int32 [B, T] -> [B, E].
 *
 * @throws RangeError if there are several rows and nothing tells which tokens are real
 * @see Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 3.2; Hugging Face transformers,
 *   GPT2ForSequenceClassification. Differs: without a pad token `padding` serves; versions up to 4.47 took the token before the
 *   first pad token, which is another one where pad tokens stand inside a text.
 * @example
 * const pool = lastToken({ padTokenId: 0 });
 */
export function lastToken({ padTokenId }: { readonly padTokenId?: number | undefined } = {}): SequencePool {
  return (states, tokens, { padding }) => {
    const { B, T, E } = bindShapes("lastToken", { states: [states, "B T E"], tokens: [tokens, "B T"] });
    const { backend } = tokens;
    const isReal = padTokenId === undefined ? padding : notEqual(tokens, padTokenId);
    if (!isReal && B > 1)
      throw new RangeError(
        `lastToken: tokens has ${B} rows, expected 1 where neither padTokenId nor padding says which tokens are real. Give the classifier a padTokenId`,
      );
    const places = arange(0, T, { backend });
    const last = isReal ? max(multiply(cast(isReal, "int32"), places), { axes: 1 }) : arange(T - 1, T, { backend });
    const starts = multiply(arange(0, B, { backend }), T);
    return gather(reshape(states, [B * T, E]), add(starts, last), { axis: 0 });
  };
}

/**
 * The mean of all states of a row, whatever its tokens are.
 *
 * Shapes: states [B, T, E] -> [B, E].
 * @see Chen et al. 2020, Generative Pretraining from Pixels, section 3.3.
 * @example
 * const pool = meanOfTokens();
 */
export function meanOfTokens(): SequencePool {
  return (states) => mean(states, { axes: 1 });
}

/** What a {@link SequenceClassifier} is made of. */
export interface SequenceClassifierParts {
  readonly stack: Stack;
  /** from the width of the states to the number of labels */
  readonly score: Linear;
  readonly pool: SequencePool;
}

/** Whether a model is a {@link SequenceClassifier}, also one of another installed copy of this package. */
export function isSequenceClassifier(model: object): model is SequenceClassifier {
  return "stack" in model && "score" in model && "pool" in model;
}

/**
 * A decoder that scores the labels of whole sequences instead of next tokens. One label: a regression.
 *
 * Shapes: tokens int32 [B, T] -> logits [B, labels].
 * @see Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 3.2.
 * @example
 * const { stack } = gpt2({ vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2 }, rng(0));
 * const score = createLinear({ dIn: 8, dOut: 3, weight: normalInit({ std: 0.02, rng: rng(1) }) });
 * const classifier = new SequenceClassifier({ stack, score, pool: lastToken({ padTokenId: 0 }) });
 */
export class SequenceClassifier {
  readonly stack: Stack;
  readonly score: Linear;
  readonly pool: SequencePool;

  constructor({ stack, score, pool }: SequenceClassifierParts) {
    this.stack = stack;
    this.score = score;
    this.pool = pool;
  }

  get vocabSize(): number {
    return this.stack.vocabSize;
  }

  get maxSeqLen(): number {
    return this.stack.maxSeqLen;
  }

  get numLabels(): number {
    return this.score.dOut;
  }

  /**
   * Scores of the labels.
   *
   * Shapes: tokens int32 [B, T] -> [B, labels].
   * @throws RangeError if a sequence is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(tokens: Tensor, options: Omit<StackOptions, "cache" | "memory"> = {}): Tensor {
    return this.score.forward(this.pool(this.stack.forward(tokens, options), tokens, options));
  }
}
