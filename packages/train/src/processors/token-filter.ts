import { forbidOthers, type GeneratedRow, type LogitsProcessor } from "./logits-processor.ts";

/**
 * Keeps only the tokens that a function of yours allows: a grammar, a word list, a vocabulary that is smaller than the model's.
 *
 * Shapes: logits [V].
 * @param allowed gives the ids that may come next in a row; its arguments must not be changed
 * @throws RangeError, while generating, if it gives no id or one outside the vocabulary
 * @see Hu et al. 2019, Improved Lexically Constrained Decoding, section 2; De Cao et al. 2020, Autoregressive Entity
 *   Retrieval, section 3.2 (allowed continuations as a function of the prefix), arXiv:2010.00904.
 * @example
 * const fresh = tokenFilter(({ tokens }, logits) => [...logits.keys()].filter((id) => !tokens.includes(id)));
 */
export function tokenFilter(allowed: (row: GeneratedRow, logits: Float32Array) => Iterable<number>): LogitsProcessor {
  return (logits, row) => {
    const ids = [...allowed(row, logits)];
    const outside = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < logits.length));
    if (outside !== undefined)
      throw new RangeError(
        `tokenFilter: allowed gave token ${outside} for row ${row.index}, expected ids in 0..${logits.length - 1}`,
      );
    if (ids.length === 0)
      throw new RangeError(
        `tokenFilter: allowed gave no token for row ${row.index} after ${row.tokens.length} tokens, expected at least one. Allow a stop token where the text may end`,
      );
    forbidOthers(logits, ids);
  };
}
