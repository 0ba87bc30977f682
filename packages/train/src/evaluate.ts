import { data, dispose, scope, type Tensor } from "@heed/tensor";
import { nextTask } from "./next-task.ts";
import type { StopSignal } from "./stop-signal.ts";

/** Mean loss over batches. */
export interface Evaluation {
  /** mean over all targets, in nats */
  readonly loss: number;
  /** exp(loss) */
  readonly perplexity: number;
  /** targets that counted */
  readonly targets: number;
}

/** What {@link evaluate} takes. */
export interface EvaluateOptions<Batch> {
  readonly batches: Iterable<Batch>;
  /** mean loss of a batch, a scalar */
  readonly loss: (batch: Batch) => Tensor;
  /** targets that the mean of a batch is over, whole number >= 0 */
  readonly targets: (batch: Batch) => number;
  /** gives up between two batches */
  readonly signal?: StopSignal;
}

/**
 * Mean loss over batches, each weighted by its number of targets. Dropout is off: no rng is passed.
 *
 * @throws RangeError if no batch has a target; the signal's reason when it is aborted, as half an evaluation is none
 * @example
 * const batches = sequentialWindows({ tokens, contextLength: 64, batchSize: 12 });
 * const { loss, perplexity } = await evaluate({ batches, loss: lossOf, targets: ({ B, T }) => B * T });
 */
export async function evaluate<Batch>({ batches, loss, targets, signal }: EvaluateOptions<Batch>): Promise<Evaluation> {
  let sum = 0;
  let count = 0;
  for (const batch of batches) {
    await nextTask();
    if (signal?.aborted) throw signal.reason;
    const counted = targets(batch);
    if (counted === 0) continue;
    const value = scope(() => loss(batch));
    const [mean] = await data(value);
    dispose(value);
    sum += mean! * counted;
    count += counted;
  }
  if (count === 0) {
    throw new RangeError("evaluate: batches has no targets, expected at least one. Give a longer text");
  }
  return { loss: sum / count, perplexity: Math.exp(sum / count), targets: count };
}
