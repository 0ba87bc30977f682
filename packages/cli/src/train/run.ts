import type { JsonObject } from "@heed/checkpoints";
import { saveSnapshot } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { captureRun, evaluate, train } from "@heed/train";
import { join } from "node:path";
import type { Output, Streams } from "../output.ts";
import { type Progress, createProgress } from "../progress.ts";
import type { Session } from "./session.ts";
import type { TrainSettings } from "./settings.ts";

/** What was measured during a run: kept in its snapshots, drawn at its end. */
export interface RunMetrics {
  /** mean training loss of each stretch between measurements, with the update it ends at */
  readonly train: { readonly step: number; readonly loss: number }[];
  readonly validation: { readonly step: number; readonly loss: number }[];
}

/** How often a run stops to look and to save, in updates. */
export interface RunPace {
  readonly evalEvery: number;
  /** validation batches looked at in between; the last evaluation takes them all */
  readonly evalBatches: number;
  readonly saveEvery: number;
}

export interface RunOptions {
  readonly session: Session;
  readonly settings: TrainSettings;
  readonly pace: RunPace;
  readonly folder: string;
  readonly from: number;
  readonly metrics: RunMetrics;
  readonly output: Output;
  readonly streams: Streams;
  readonly signal: AbortSignal;
}

/** How a run ended. */
export interface RunEnd {
  readonly step: number;
  readonly interrupted: boolean;
  readonly seconds: number;
}

/** Where the snapshots of a run lie. */
export const snapshotFolder = (folder: string): string => join(folder, "run");

export async function saveRun({ session, settings, folder, metrics }: RunOptions, step: number): Promise<void> {
  const snapshot = await captureRun({ ...session, step, metrics: metrics as unknown as JsonObject, settings: settings as unknown as JsonObject });
  await saveSnapshot(nodeFileStore(), snapshotFolder(folder), snapshot);
}

/** Mean loss on the validation text, dropout off. */
export async function validate({ session, signal }: Pick<RunOptions, "session" | "signal">, batches: number): Promise<number> {
  const { loss } = await evaluate({
    batches: session.validationBatches(batches),
    loss: (batch) => session.loss(batch),
    targets: ({ targets }) => targets.length,
    signal,
  });
  return loss;
}

const short = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(3));

/** Trains to the end or to the signal, and saves as it goes and at the end. */
export async function runTraining(options: RunOptions): Promise<RunEnd> {
  const { session, settings, pace, from, metrics, output, streams, signal } = options;
  const progress = createProgress(settings.steps, from, streams, output.json);
  const started = performance.now();
  const tokensPerStep = settings.batch * settings.context * settings.accumulate;
  let step = from;
  let savedAt = from;
  let stretch: number[] = [];
  try {
    for await (const update of train({ ...session, nextBatch: () => session.cursor.next(), loss: session.loss, steps: settings.steps, from, accumulate: settings.accumulate, signal, ...(settings.clip > 0 && { maxGradientNorm: settings.clip }) })) {
      step = update.step;
      stretch.push(update.loss);
      const rate = ((step - from) * tokensPerStep * 1000) / (performance.now() - started);
      output.event({ event: "step", ...update, tokensPerSecond: Math.round(rate) });
      progress.update(step, { loss: short(update.loss), validation: short(metrics.validation.at(-1)?.loss), rate: rate.toFixed(0) });
      if (step % pace.evalEvery === 0 || step === settings.steps) {
        metrics.train.push({ step, loss: stretch.reduce((sum, loss) => sum + loss, 0) / stretch.length });
        stretch = [];
        await measure(options, step, progress);
      }
      if (step % pace.saveEvery === 0 && step < settings.steps) {
        await saveRun(options, step);
        savedAt = step;
      }
    }
    if (step > savedAt || step === 0 || from === settings.steps) await saveRun(options, step);
  } finally {
    progress.stop();
  }
  return { step, interrupted: step < settings.steps, seconds: (performance.now() - started) / 1000 };
}

async function measure(options: RunOptions, step: number, progress: Progress): Promise<void> {
  const { pace, settings, metrics, output, signal } = options;
  if (signal.aborted) return;
  const last = step === settings.steps;
  const loss = await validate({ session: options.session, signal: neverAborted }, last ? Number.MAX_SAFE_INTEGER : pace.evalBatches);
  metrics.validation.push({ step, loss });
  output.event({ event: "validation", step, loss, whole: last });
  if (last) progress.line(`validation loss ${loss.toFixed(4)} over the whole validation text`);
}

/** Evaluations run to their end: half of one would not be a figure of this step. */
const neverAborted = new AbortController().signal;
