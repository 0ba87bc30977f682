import { rng, threefry } from "@heed/tensor";
import {
  type Batch,
  type BatchCursor,
  checkWindows,
  gatherWindows,
  readCursorState,
  type WindowOptions,
} from "./batch-cursor.ts";

/** Options of {@link randomCrops}. */
export interface RandomCropsOptions extends WindowOptions {
  /** whole number in 0..2^53-1 */
  readonly seed: number;
}

/** Names this use of the seed, so that a model initialized from the same seed draws other numbers. */
const STREAM = 0x63726f70;
const LAST_STEP = 2 ** 32 - 1;

/**
 * Batches of windows that start anywhere in the text, every start equally likely, drawn with replacement; without end.
 *
 * The starts of step s depend on seed and s only (a counter-based generator), so a saved place is one number and a
 * resumed run sees exactly the batches it would have seen.
 *
 * Shapes: next() -> inputs and targets [batchSize, contextLength].
 *
 * @throws RangeError if a number is out of range or there are fewer than contextLength + 1 tokens
 * @see Karpathy 2022, nanoGPT, `get_batch`. Differs: counter-based.
 *   Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3 (the generator).
 * @example
 * const tokens = Int32Array.from({ length: 1000 }, (_, i) => i);
 * const cursor = randomCrops({ tokens, contextLength: 64, batchSize: 12, seed: 1 });
 * const { inputs, targets, B, T } = cursor.next();
 */
export function randomCrops({ tokens, contextLength, batchSize, seed }: RandomCropsOptions): BatchCursor {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`randomCrops: seed is out of range, expected a whole number in 0..2^53-1, got ${seed}`);
  }
  checkWindows("randomCrops", { tokens, contextLength, batchSize }, contextLength + 1);
  const { key } = rng(seed).fork(STREAM);
  const numStarts = tokens.length - contextLength;
  const settings = { kind: "randomCrops", seed, contextLength, batchSize, numTokens: tokens.length };
  const words = new Uint32Array(2);
  let step = 0;
  const drawStart = (row: number): number => {
    threefry(key[0], key[1], step, row, words);
    const uniform = (words[0]! * 2 ** 21 + (words[1]! >>> 11)) * 2 ** -53; // in [0, 1)
    return Math.floor(uniform * numStarts);
  };
  return {
    next(): Batch {
      if (step > LAST_STEP)
        throw new RangeError(`randomCrops: step is ${step}, expected at most ${LAST_STEP}. Go on with another seed`);
      const starts = Array.from({ length: batchSize }, (_, row) => drawStart(row));
      step++;
      return gatherWindows(tokens, starts, contextLength);
    },
    state: () => ({ ...settings, step }),
    restore(state) {
      step = readCursorState(settings, state, LAST_STEP + 1);
    },
  };
}
