import { type Optimizer, clipGlobalNorm } from "@heed/optim";
import { type Rng, type Tensor, add, data, dispose, multiply, scope, valueAndGradients } from "@heed/tensor";
import { nextTask } from "./next-task.ts";

/** What one update did. */
export interface TrainingStep {
  /** updates made so far, this one included */
  readonly step: number;
  /** mean loss of the update's batches, before the update, in nats */
  readonly loss: number;
  readonly learningRate: number;
  /** global L2 norm of the gradients before clipping */
  readonly gradientNorm: number;
}

export interface TrainOptions<Batch> {
  readonly optimizer: Optimizer;
  /** one batch after the other; its own state is the caller's */
  readonly nextBatch: () => Batch;
  /** mean loss of a batch, a scalar; `rng` only when given to `train` (dropout) */
  readonly loss: (batch: Batch, rng: Rng | undefined) => Tensor;
  /** updates to reach, whole number >= 0 */
  readonly steps: number;
  /** updates already made; default 0 */
  readonly from?: number;
  /** batches whose gradients are averaged into one update; default 1 */
  readonly accumulate?: number;
  /** gradients are scaled down to this global L2 norm, > 0; default no clipping */
  readonly maxGradientNorm?: number;
  /** advances with every batch; without it the model has no dropout */
  readonly rng?: Rng;
  /** stops the loop before the next update */
  readonly signal?: AbortSignal;
}

function checkCount(argument: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`train: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
  }
}

/**
 * The training loop: one value for each update made, so that the caller evaluates, prints and saves in between.
 *
 * Each update runs in a scope and leaves no tensor behind. Between updates the event loop gets a turn, so signals,
 * timers and pages stay alive. Ends early, without an error, when `signal` is aborted.
 *
 * @throws RangeError for counts out of range; Error if the loss is not finite, naming the step: nothing is updated then
 * @example
 * for await (const { step, loss } of train({ optimizer, nextBatch, loss: lossOf, steps: 100 })) print(step, loss);
 */
export async function* train<Batch>(options: TrainOptions<Batch>): AsyncGenerator<TrainingStep, void, void> {
  const { optimizer, steps, from = 0, accumulate = 1, signal } = options;
  checkCount("steps", steps, 0);
  checkCount("from", from, 0);
  checkCount("accumulate", accumulate, 1);
  for (let step = from; step < steps; step++) {
    await nextTask();
    if (signal?.aborted) return;
    const learningRate = optimizer.learningRate();
    const { loss, norm } = await update(options, accumulate, step);
    yield { step: step + 1, loss, learningRate, gradientNorm: norm };
  }
}

/** Computes gradients, checks the loss, and only then changes the parameters. */
async function update<Batch>(options: TrainOptions<Batch>, accumulate: number, step: number): Promise<{ loss: number; norm: number }> {
  const { optimizer, maxGradientNorm } = options;
  const { value, gradients } = averageGradients(options, accumulate);
  const clipped = scope(() => clipGlobalNorm(gradients, maxGradientNorm ?? Number.MAX_VALUE));
  try {
    const [loss] = await data(value);
    const [norm] = await data(clipped.norm);
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      throw new Error(`train: loss is ${loss} and its gradient norm ${norm} at step ${step + 1}, expected finite numbers. Lower the learning rate or clip gradients`);
    }
    optimizer.step(gradients, maxGradientNorm === undefined ? {} : { scale: clipped.scale });
    return { loss: loss!, norm: norm! };
  } finally {
    dispose([value, gradients, clipped]);
  }
}

function averageGradients<Batch>({ optimizer, nextBatch, loss, rng }: TrainOptions<Batch>, accumulate: number) {
  const one = () => {
    const batch = nextBatch();
    return valueAndGradients(() => multiply(loss(batch, rng), 1 / accumulate), optimizer.parameters);
  };
  let total = one();
  for (let i = 1; i < accumulate; i++) {
    const before = total;
    const more = one();
    total = scope(() => ({
      value: add(before.value, more.value),
      gradients: before.gradients.map((gradient, j) => add(gradient, more.gradients[j]!)),
    }));
    dispose([before, more]);
  }
  return total;
}
