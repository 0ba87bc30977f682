import { full, type Mask } from "@heed/attention";
import { fromArray, gather, less, lessEqual, reshape, type Tensor } from "@heed/tensor";
import { shuffle } from "./choose.ts";
import type { Example, SequenceObjective } from "./objective.ts";
import { checkRate } from "./rates.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** A sequence and the order in which its tokens are told. */
export interface PermutationExample extends Example {
  /** turn of each place, 0 first; the places keep their positions */
  readonly turns: Int32Array;
}

/** An objective of a model with two streams. `maskFor` is that of the content stream, whose places see themselves. */
export interface TwoStreamObjective extends SequenceObjective<PermutationExample> {
  /**
   * Who may see whom in the query stream, which says the logits and begins from positions alone: it sees the content of
   * places whose turn came before, never of its own.
   */
  queryMaskFor(example: PermutationExample): Mask;
}

/** Options of {@link permutationLM}. */
export interface PermutationLMOptions {
  /** share of the tokens that is predicted, those whose turns come last, in (0, 1); default 1 / 6 */
  readonly targetRate?: number;
}

/**
 * Predict tokens in a random order, each from those whose turn came before, wherever they stand (XLNet).
 *
 * Only the last round(T targetRate) turns, at least 1, are predicted: the first ones have too little to go by.
 *
 * Shapes: prepare T tokens -> T inputs and targets, both the tokens themselves, and T turns; loss logits [B, T, V] of the query stream -> [].
 *
 * @throws RangeError for a rate out of range; from `prepare` if there are fewer than 2 tokens
 * @see Yang et al. 2019, XLNet, sections 2.2 and 2.3, arXiv:1906.08237. Differs: turns of all tokens in one sequence, without spans.
 * @example
 * const { turns } = permutationLM().prepare(Int32Array.of(5, 6, 7), rng(0)); // some order of 0 1 2
 */
export function permutationLM({ targetRate = 1 / 6 }: PermutationLMOptions = {}): TwoStreamObjective {
  checkRate("permutationLM", "targetRate", targetRate);
  return {
    mask: full(),
    maskFor: ({ turns }) => byTurns(turns, lessEqual),
    queryMaskFor: ({ turns }) => byTurns(turns, less),
    tokensFor: (T) => T,
    prepare(tokens, rng) {
      const T = tokens.length;
      if (T < 2)
        throw new RangeError(
          `permutationLM: tokens has length ${T}, expected at least 2, one to read and one to predict`,
        );
      const order = shuffle([...tokens.keys()], rng);
      const turns = new Int32Array(T);
      order.forEach((place, turn) => {
        turns[place] = turn;
      });
      const first = T - Math.min(T - 1, Math.max(1, Math.round(T * targetRate)));
      const lossWeights = Float32Array.from(turns, (turn) => Number(turn >= first));
      return { inputs: tokens.slice(), targets: tokens.slice(), lossWeights, turns };
    },
    loss: (logits, example) => weightedCrossEntropy("permutationLM", logits, example),
  };
}

/** Compares the turn of each key with that of each query, row by row: positions are places 0..T-1. */
function byTurns(turns: Int32Array, compare: (keyTurn: Tensor, queryTurn: Tensor) => Tensor): Mask {
  return (queryPositions, keyPositions) => {
    const length = keyPositions.shape.at(-1)!;
    const table = fromArray(turns, [turns.length / length, length], { backend: queryPositions.backend });
    const turnsOf = (positions: Tensor): Tensor => {
      if (positions.shape.length !== 1)
        throw new RangeError(
          "permutationLM: positions has a batch axis, expected the places [T] of all rows. Leave out padding",
        );
      return gather(table, positions, { axis: 1 });
    };
    const [query, key] = [turnsOf(queryPositions), turnsOf(keyPositions)];
    const [B, T, S] = [table.shape[0]!, query.shape[1]!, key.shape[1]!];
    return compare(reshape(key, [B, 1, 1, S]), reshape(query, [B, 1, T, 1]));
  };
}
