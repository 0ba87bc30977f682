import { join } from "node:path";
import { type JsonObject, listSnapshots, loadLatestSnapshot, saveSnapshot } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import type { Optimizer } from "@heed/optim";
import { type Rng, rng as rngOf, type Tensor } from "@heed/tensor";
import { captureRun, type ResumableCursor, restoreRun, train } from "@heed/train";
import { createProgress, duration } from "../progress.ts";
import { type Kitchen, StoppedError } from "./recipe.ts";

/** One training run of a recipe. */
export interface Phase<Batch> {
  /** unique in its recipe; names the folder of its snapshots */
  readonly name: string;
  readonly model: object;
  readonly optimizer: Optimizer;
  readonly cursor: ResumableCursor;
  /** the cursor's next batch */
  readonly nextBatch: () => Batch;
  /** mean loss of a batch; dropout only with an rng */
  readonly loss: (batch: Batch, rng: Rng | undefined) => Tensor;
  readonly steps: number;
  readonly maxGradientNorm?: number;
  /** what a batch holds, for the rate that is shown: tokens, images */
  readonly sizeOf: (batch: Batch) => number;
  /** measured every so many updates and at the end, shown as "val"; smaller or larger is better as you like */
  readonly evaluate?: { readonly every: number; readonly run: () => Promise<number> };
}

/** What a phase came to. */
export interface PhaseResult {
  readonly steps: number;
  /** of training, over all sittings */
  readonly seconds: number;
  /** mean of the last hundredth of the updates */
  readonly loss: number;
  /** as measured, with the updates made then */
  readonly measured: readonly { readonly step: number; readonly value: number }[];
}

/** What snapshots keep of it. */
interface PhaseMetrics {
  seconds: number;
  /** of the last updates */
  losses: number[];
  measured: { step: number; value: number }[];
}

/** Milliseconds between snapshots. */
const SAVE_EVERY = 120_000;

/**
 * Trains one phase under the user's eyes: progress, snapshots, and the end of an earlier sitting taken up.
 *
 * @throws StoppedError if the user stopped it; it is saved then
 */
export async function runPhase<Batch>(kitchen: Kitchen, phase: Phase<Batch>): Promise<PhaseResult> {
  const { name, model, optimizer, cursor, steps } = phase;
  const store = nodeFileStore();
  const folder = join(kitchen.out, "run", name);
  const settings = { phase: name, seed: kitchen.seed, smoke: kitchen.smoke, steps };
  let metrics: PhaseMetrics = { seconds: 0, losses: [], measured: [] };
  let rng = rngOf(kitchen.seed).fork(hashOf(name));
  let from = 0;
  if (kitchen.resume && (await listSnapshots(store, folder)).length > 0) {
    const { snapshot } = await loadLatestSnapshot(store, folder);
    const restored = restoreRun(snapshot, { model, optimizer, cursor });
    [from, rng] = [restored.step, restored.rng];
    metrics = restored.metrics as unknown as PhaseMetrics;
  }
  const save = async (step: number): Promise<void> => {
    const state = { step, model, optimizer, rng, cursor, settings, metrics: metrics as unknown as JsonObject };
    await saveSnapshot(store, folder, await captureRun(state));
  };
  const last = await trainOn(kitchen, phase, { from, rng, metrics, save });
  if (last > from || from === 0) await save(last);
  if (last < steps) throw new StoppedError(name, last, steps);
  const { seconds, losses, measured } = metrics;
  return { steps, seconds: Math.round(seconds), loss: losses.reduce((a, b) => a + b, 0) / losses.length, measured };
}

interface Sitting {
  readonly from: number;
  readonly rng: Rng;
  readonly metrics: PhaseMetrics;
  readonly save: (step: number) => Promise<void>;
}

/** Trains to the end or until the user stops; returns the updates made. */
async function trainOn<Batch>(
  { output, streams, signal }: Kitchen,
  phase: Phase<Batch>,
  { from, rng, metrics, save }: Sitting,
): Promise<number> {
  const { name, optimizer, loss, steps, maxGradientNorm, evaluate } = phase;
  if (from < steps)
    output.line(from === 0 ? `${name}: ${steps} updates` : `${name}: continuing at ${from} of ${steps}`);
  const progress = createProgress(steps, from, streams, output.json);
  const [started, before] = [performance.now(), metrics.seconds];
  let [step, size, saved] = [from, 0, performance.now()];
  const nextBatch = (): Batch => {
    const batch = phase.nextBatch();
    size += phase.sizeOf(batch);
    return batch;
  };
  try {
    const clip = maxGradientNorm === undefined ? {} : { maxGradientNorm };
    for await (const update of train({ optimizer, nextBatch, loss, steps, from, rng, signal, ...clip })) {
      step = update.step;
      metrics.losses = [...metrics.losses, update.loss].slice(-Math.max(1, Math.floor(steps / 100)));
      const seconds = (performance.now() - started) / 1000;
      metrics.seconds = before + seconds;
      if (evaluate && (step % evaluate.every === 0 || step === steps)) {
        const value = await evaluate.run();
        metrics.measured.push({ step, value });
        output.event({ event: "measured", phase: name, step, value });
      }
      output.event({ event: "step", phase: name, ...update });
      progress.update(step, {
        loss: update.loss.toFixed(3),
        validation: metrics.measured.at(-1)?.value.toFixed(3) ?? "-",
        rate: Math.round(size / seconds).toLocaleString("en"),
        left: duration((seconds / (step - from)) * (steps - step)),
      });
      if (performance.now() - saved > SAVE_EVERY) {
        await save(step);
        saved = performance.now();
      }
    }
  } finally {
    progress.stop();
  }
  return step;
}

/** A number for a name: phases of one seed draw different numbers. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
