import {
  add,
  arange,
  bindShapes,
  cast,
  dataSync,
  equal,
  gather,
  max,
  multiply,
  reshape,
  type Tensor,
} from "@heed/tensor";
import type { SequencePool } from "./sequence-classifier.ts";

/** Where the backend can read at once; elsewhere a row without end token gives its first state. */
function checkCounts(tokens: Tensor, endId: number): void {
  if (!tokens.backend.readSync) return;
  const [B, T] = tokens.shape as [number, number];
  const values = Array.from(dataSync(tokens));
  const counts = Array.from(
    { length: B },
    (_, row) => values.slice(row * T, (row + 1) * T).filter((id) => id === endId).length,
  );
  const odd = counts.findIndex((count) => count === 0 || count !== counts[0]);
  if (odd < 0) return;
  const expected = counts[odd] === 0 ? "at least one in each row" : `${counts[0]}, as in row 0: all rows need as many`;
  throw new RangeError(
    `lastEndToken: tokens has ${counts[odd]} end tokens in row ${odd}, expected ${expected}, got ${JSON.stringify(counts)} of token ${endId}. End each text with one`,
  );
}

/**
 * The state of each row's last end token, which in a decoder that reads the text again has read all before it.
 *
 * All rows hold the same number of end tokens, at least one: the original refuses others, and so does this where the backend
 * can read the tokens at once.
 *
 * Shapes: states [B, T, E], tokens int32 [B, T] -> [B, E].
 *
 * @throws RangeError if a row has no end token, or another number of them than the first
 * @see Lewis et al. 2019, BART, section 3.1, arXiv:1910.13461; BartForSequenceClassification of Hugging Face transformers.
 * @example
 * const pool = lastEndToken({ endId: 2 });
 */
export function lastEndToken({ endId }: { readonly endId: number }): SequencePool {
  return (states, tokens) => {
    const { B, T, E } = bindShapes("lastEndToken", { states: [states, "B T E"], tokens: [tokens, "B T"] });
    checkCounts(tokens, endId);
    const { backend } = tokens;
    const last = max(multiply(cast(equal(tokens, endId), "int32"), arange(0, T, { backend })), { axes: 1 });
    return gather(reshape(states, [B * T, E]), add(multiply(arange(0, B, { backend }), T), last), { axis: 0 });
  };
}
