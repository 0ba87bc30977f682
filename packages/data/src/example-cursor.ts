import { rng } from "@heed/tensor";
import type { JsonObject } from "./tokenizer-file.ts";

/** A source of batches of examples, each the places of its examples in a list; its own place can be saved. */
export interface ExampleCursor {
  /** The examples of the next batch, by their places. */
  next(): Int32Array;
  /** The place, small and ready for JSON. */
  state(): JsonObject;
  /**
   * Continues where another cursor with the same options was.
   *
   * @throws RangeError if the state is malformed or of other options; the cursor is then unchanged
   */
  restore(state: unknown): void;
}

/** Options of {@link shuffledExamples}. */
export interface ShuffledExamplesOptions {
  /** examples there are, at least one batch */
  readonly count: number;
  /** examples of a batch */
  readonly batchSize: number;
  /** whole number in 0..2^53-1 */
  readonly seed: number;
}

/** Options of {@link lengthBuckets}. */
export interface LengthBucketsOptions {
  /** tokens of each example, at least 1 */
  readonly lengths: ArrayLike<number>;
  /** examples of a batch times tokens of its longest, at most */
  readonly tokensPerBatch: number;
  /** whole number in 0..2^53-1 */
  readonly seed: number;
}

/** Names these uses of a seed. */
const STREAMS = { shuffledExamples: 0x73687566, lengthBuckets: 0x6275636b } as const;

/** Examples that are sorted by length together: more make rows of a batch more equal, and batches more alike. */
const POOL = 4096;

function checkWhole(where: string, argument: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
}

/** Numbers 0 .. count - 1 in an order that seed, stream and epoch decide (Fisher and Yates). */
function shuffle(count: number, seed: number, stream: number, epoch: number): Int32Array {
  const source = rng(seed).fork(stream).fork(epoch);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = source.nextInteger(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** A cursor over epochs, each a list of batches made when it begins. */
function epochs(settings: JsonObject, plan: (epoch: number) => readonly Int32Array[]): ExampleCursor {
  let [epoch, batch] = [0, 0];
  let batches = plan(0);
  return {
    next() {
      if (batch === batches.length) {
        batches = plan(++epoch);
        batch = 0;
      }
      return batches[batch++]!;
    },
    state: () => ({ ...settings, epoch, batch }),
    restore(state) {
      const found = (typeof state === "object" && state !== null ? state : {}) as Record<string, unknown>;
      for (const [name, value] of Object.entries(settings))
        if (found[name] !== value)
          throw new RangeError(
            `restore: state.${name} is ${String(found[name])}, expected ${String(value)} (from this cursor). Continue with the same examples and options`,
          );
      const { epoch: savedEpoch, batch: savedBatch } = found;
      const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
      const planned = isPlace(savedEpoch) ? plan(savedEpoch) : [];
      if (!isPlace(savedEpoch) || !isPlace(savedBatch) || savedBatch > planned.length)
        throw new RangeError(
          `restore: state.epoch and state.batch are wrong, expected a place in the examples, got ${String(savedEpoch)} and ${String(savedBatch)}. The saved state is damaged`,
        );
      [epoch, batch, batches] = [savedEpoch, savedBatch, planned];
    },
  };
}

/**
 * Batches of examples, each example once in every epoch, in an order that is drawn anew for each; without end.
 *
 * What an epoch has left over for less than a batch is passed over: another order gives it another turn.
 *
 * Shapes: next() -> batchSize places in 0 .. count - 1.
 * @throws RangeError if a number is out of range or there are fewer examples than a batch has
 * @example
 * const cursor = shuffledExamples({ count: 1000, batchSize: 32, seed: 1 });
 * const places = cursor.next(); // 32 different numbers
 */
export function shuffledExamples({ count, batchSize, seed }: ShuffledExamplesOptions): ExampleCursor {
  checkWhole("shuffledExamples", "batchSize", batchSize, 1);
  checkWhole("shuffledExamples", "seed", seed, 0);
  checkWhole("shuffledExamples", "count", count, batchSize);
  return epochs({ kind: "shuffledExamples", count, batchSize, seed }, (epoch) => {
    const order = shuffle(count, seed, STREAMS.shuffledExamples, epoch);
    return Array.from({ length: Math.floor(count / batchSize) }, (_, i) =>
      order.slice(i * batchSize, (i + 1) * batchSize),
    );
  });
}

/**
 * Batches of examples of about the same length, as many as fill a number of tokens, so that little is padding; without end.
 *
 * Each epoch draws an order, sorts it by length in pools of 4,096, cuts batches, and draws their order. Each example comes
 * once in an epoch.
 *
 * Shapes: next() -> places in 0 .. lengths.length - 1, as many as fit.
 * @throws RangeError if a number is out of range, or an example alone is longer than a batch may be
 * @see Vaswani et al. 2017, Attention Is All You Need, section 5.1 (batches of sentences of similar length), arXiv:1706.03762.
 * @example
 * const cursor = lengthBuckets({ lengths: [5, 9, 5, 8], tokensPerBatch: 18, seed: 1 });
 * const places = cursor.next(); // two examples
 */
export function lengthBuckets({ lengths, tokensPerBatch, seed }: LengthBucketsOptions): ExampleCursor {
  checkWhole("lengthBuckets", "tokensPerBatch", tokensPerBatch, 1);
  checkWhole("lengthBuckets", "seed", seed, 0);
  checkWhole("lengthBuckets", "lengths.length", lengths.length, 1);
  let total = 0;
  Array.from(lengths).forEach((length, i) => {
    checkWhole("lengthBuckets", `lengths[${i}]`, length, 1);
    total += length;
    if (length > tokensPerBatch)
      throw new RangeError(
        `lengthBuckets: lengths[${i}] is too large, expected at most ${tokensPerBatch} (tokensPerBatch), got ${length}. Shorten the example`,
      );
  });
  const settings = { kind: "lengthBuckets", count: lengths.length, tokens: total, tokensPerBatch, seed };
  return epochs(settings, (epoch) => {
    const order = shuffle(lengths.length, seed, STREAMS.lengthBuckets, epoch);
    const batches: Int32Array[] = [];
    for (let start = 0; start < order.length; start += POOL)
      batches.push(...cut(order.slice(start, start + POOL), lengths, tokensPerBatch));
    const turns = shuffle(batches.length, seed, STREAMS.lengthBuckets ^ 1, epoch);
    return Array.from(turns, (turn) => batches[turn]!);
  });
}

/** A pool in batches, shortest first. */
function cut(pool: Int32Array, lengths: ArrayLike<number>, tokensPerBatch: number): Int32Array[] {
  const sorted = Array.from(pool).sort((a, b) => lengths[a]! - lengths[b]!);
  const batches: Int32Array[] = [];
  let open: number[] = [];
  for (const place of sorted) {
    if ((open.length + 1) * lengths[place]! > tokensPerBatch) {
      batches.push(Int32Array.from(open));
      open = [];
    }
    open.push(place);
  }
  batches.push(Int32Array.from(open));
  return batches;
}
