import { clipGlobalNorm, type Optimizer } from "@heed/optim";
import {
  add,
  data,
  dispose,
  globalNorm,
  multiply,
  type Rng,
  scope,
  type Tensor,
  valueAndGradients,
} from "@heed/tensor";
import { DivergedError } from "./diverged-error.ts";
import { nextTask } from "./next-task.ts";
import type { StopSignal } from "./stop-signal.ts";

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

/** What {@link train} takes. */
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
  /** ends the loop before the next update */
  readonly signal?: StopSignal;
}

function checkCount(argument: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`train: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
  }
}

/**
 * The training loop: one value for each update made, so that the caller evaluates, prints and saves in between.
 *
 * Each update frees every tensor it made. Between updates the event loop gets a turn, so signals, timers and pages stay
 * alive. Ends early, without an error, when `signal` is aborted.
 *
 * @throws RangeError for counts out of range; DivergedError if loss or gradients are not finite: nothing is updated then
 * @example
 * for await (const { step, loss } of train({ optimizer, nextBatch, loss: lossOf, steps: 100 })) console.log(step, loss);
 */
export async function* train<Batch>(options: TrainOptions<Batch>): AsyncGenerator<TrainingStep, void, void> {
  const { optimizer, steps, from = 0, accumulate = 1, maxGradientNorm, signal } = options;
  checkCount("steps", steps, 0);
  checkCount("from", from, 0);
  checkCount("accumulate", accumulate, 1);
  if (maxGradientNorm !== undefined && !(maxGradientNorm > 0 && maxGradientNorm < Infinity)) {
    throw new RangeError(
      `train: maxGradientNorm is out of range, expected a finite number > 0, got ${maxGradientNorm}. Leave it out for no clipping`,
    );
  }
  for (let step = from + 1; step <= steps; step++) {
    await nextTask();
    if (signal?.aborted) return;
    const learningRate = optimizer.learningRate();
    const { loss, gradientNorm } = await update(options, accumulate, step);
    yield { step, loss, learningRate, gradientNorm };
  }
}

/** Computes gradients, checks that all is finite, and only then changes the parameters. */
async function update<Batch>(
  options: TrainOptions<Batch>,
  accumulate: number,
  step: number,
): Promise<{ loss: number; gradientNorm: number }> {
  const { optimizer, maxGradientNorm } = options;
  const { value, gradients } = averageGradients(options, accumulate);
  const clipped: { norm: Tensor; scale?: Tensor } = scope(() =>
    maxGradientNorm === undefined ? { norm: globalNorm(gradients) } : clipGlobalNorm(gradients, maxGradientNorm),
  );
  try {
    const [loss] = await data(value);
    const [gradientNorm] = await data(clipped.norm);
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new DivergedError(
        step,
        `train: loss is ${loss} with gradient norm ${gradientNorm} at step ${step}, expected finite numbers. The run has diverged: lower the learning rate or clip gradients`,
      );
    }
    optimizer.step(gradients, clipped.scale ? { scale: clipped.scale } : {});
    return { loss: loss!, gradientNorm: gradientNorm! };
  } finally {
    dispose([value, gradients, clipped]);
  }
}

function averageGradients<Batch>({ optimizer, nextBatch, loss, rng }: TrainOptions<Batch>, accumulate: number) {
  const one = () => {
    const batch = nextBatch();
    const share = () => (accumulate === 1 ? loss(batch, rng) : multiply(loss(batch, rng), 1 / accumulate));
    return valueAndGradients(share, optimizer.parameters);
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
