import {
  type Batch,
  type BatchCursor,
  checkWindows,
  gatherWindows,
  readCursorState,
  type WindowOptions,
} from "./batch-cursor.ts";

/** A pass over a text from start to end. */
export interface SequentialWindows extends Omit<BatchCursor, "next"> {
  /** The next batch, or undefined after the last one. */
  next(): Batch | undefined;
  /** batches of a whole pass */
  readonly numBatches: number;
  /** A whole pass from the start, whatever the place of the cursor, which does not move. */
  [Symbol.iterator](): Generator<Batch, void, void>;
}

/**
 * Windows side by side that predict every token but the first exactly once, in the order of the text.
 *
 * All windows have contextLength tokens, all batches batchSize windows, with two exceptions at the end: the last batch
 * of full windows may have fewer, and the tokens left over make one more batch of a single shorter window. Weight a
 * mean over batches by B * T, as `evaluate` of @heed/train does with `targets: ({ B, T }) => B * T`.
 *
 * Shapes: next() -> inputs and targets [B, T], B <= batchSize, T <= contextLength.
 *
 * @throws RangeError if a number is out of range or there are fewer than 2 tokens
 * @example
 * const tokens = Int32Array.from({ length: 1000 }, (_, i) => i);
 * for (const { inputs, targets, B, T } of sequentialWindows({ tokens, contextLength: 64, batchSize: 12 })) console.log(B, T);
 */
export function sequentialWindows({ tokens, contextLength, batchSize }: WindowOptions): SequentialWindows {
  checkWindows("sequentialWindows", { tokens, contextLength, batchSize }, 2);
  const numTargets = tokens.length - 1;
  const numFull = Math.floor(numTargets / contextLength);
  const rest = numTargets % contextLength;
  const numFullBatches = Math.ceil(numFull / batchSize);
  const numBatches = numFullBatches + (rest > 0 ? 1 : 0);
  const settings = { kind: "sequentialWindows", contextLength, batchSize, numTokens: tokens.length };
  const batchAt = (index: number): Batch => {
    if (index === numFullBatches) return gatherWindows(tokens, [numFull * contextLength], rest);
    const first = index * batchSize;
    const B = Math.min(batchSize, numFull - first);
    return gatherWindows(
      tokens,
      Array.from({ length: B }, (_, row) => (first + row) * contextLength),
      contextLength,
    );
  };
  let step = 0;
  return {
    numBatches,
    next: () => (step < numBatches ? batchAt(step++) : undefined),
    state: () => ({ ...settings, step }),
    restore(state) {
      step = readCursorState(settings, state, numBatches);
    },
    *[Symbol.iterator]() {
      for (let index = 0; index < numBatches; index++) yield batchAt(index);
    },
  };
}
