import { type Tensor, data, dispose, scope } from "@heed/tensor";
import { nextTask } from "./next-task.ts";

/** Mean loss over batches. */
export interface Evaluation {
  /** mean over all targets, in nats */
  readonly loss: number;
  /** exp(loss) */
  readonly perplexity: number;
  /** targets that counted */
  readonly targets: number;
}

/**
 * Mean loss over batches, each weighted by its number of targets. Dropout is off: no rng is passed.
 *
 * @param options.loss mean loss of a batch, a scalar
 * @param options.targets number of targets that the mean of a batch is over, >= 0
 * @throws RangeError if no batch has a target
 */
export async function evaluate<Batch>(options: {
  readonly batches: Iterable<Batch>;
  readonly loss: (batch: Batch) => Tensor;
  readonly targets: (batch: Batch) => number;
  readonly signal?: AbortSignal;
}): Promise<Evaluation> {
  let sum = 0;
  let count = 0;
  for (const batch of options.batches) {
    await nextTask();
    if (options.signal?.aborted) break;
    const value = scope(() => options.loss(batch));
    const [loss] = await data(value);
    dispose(value);
    const targets = options.targets(batch);
    sum += targets === 0 ? 0 : loss! * targets;
    count += targets;
  }
  if (count === 0) throw new RangeError("evaluate: batches has no targets, expected at least one. Give a longer text");
  return { loss: sum / count, perplexity: Math.exp(sum / count), targets: count };
}
