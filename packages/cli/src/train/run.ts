import { type JsonObject, saveSnapshot } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { captureRun, DivergedError, evaluate, train } from "@heed/train";
import type { CurvePoint } from "../loss-chart.ts";
import type { Output, Streams } from "../output.ts";
import { createProgress, duration, type Progress } from "../progress.ts";
import { snapshotFolder } from "./folder.ts";
import type { Session } from "./session.ts";
import type { TrainSettings } from "./settings.ts";

/** What was measured during a run: kept in its snapshots, drawn at its end. */
export interface RunMetrics {
  /** mean training loss of each stretch of updates, with the update it ends at */
  readonly train: CurvePoint[];
  /** of the stretch that has not ended */
  readonly stretch: { sum: number; count: number };
  readonly validation: CurvePoint[];
}

export const newMetrics = (): RunMetrics => ({ train: [], stretch: { sum: 0, count: 0 }, validation: [] });

/** A run to be carried on. */
export interface RunOptions {
  readonly session: Session;
  readonly settings: TrainSettings;
  readonly folder: string;
  /** updates made; undefined for a run that has no snapshot yet */
  readonly from: number | undefined;
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

/** Points of the training curve over a whole run. */
const curvePoints = 60;

async function saveRun({ session, settings, folder, metrics }: RunOptions, step: number): Promise<void> {
  const json = { metrics: metrics as unknown as JsonObject, settings: settings as unknown as JsonObject };
  const snapshot = await captureRun({ ...session, step, ...json });
  await saveSnapshot(nodeFileStore(), snapshotFolder(folder), snapshot);
}

const short = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(3));

function noteLoss({ metrics, settings }: RunOptions, step: number, loss: number): void {
  const { stretch } = metrics;
  stretch.sum += loss;
  stretch.count++;
  if (step % Math.ceil(settings.steps / curvePoints) !== 0 && step !== settings.steps) return;
  metrics.train.push({ step, loss: stretch.sum / stretch.count });
  Object.assign(stretch, { sum: 0, count: 0 });
}

/** Whether an evaluation belongs to this update and has not been made: a run may have been stopped during it. */
function isMeasureDue({ metrics, settings }: RunOptions, step: number): boolean {
  const due = step === settings.steps || (step > 0 && step % settings.evalEvery === 0);
  return due && metrics.validation.at(-1)?.step !== step;
}

/** Mean loss on the validation text, dropout off. Nothing is noted when the signal comes in between. */
async function measure(options: RunOptions, step: number, progress: Progress): Promise<void> {
  const { session, settings, metrics, output, signal } = options;
  const whole = step === settings.steps;
  const { loss } = await evaluate({
    batches: session.validationBatches(whole ? Number.POSITIVE_INFINITY : settings.evalBatches),
    loss: (batch) => session.loss(batch),
    targets: ({ B, T }) => B * T,
    signal,
  });
  if (!Number.isFinite(loss)) {
    const message = `train: validation loss is ${loss} after step ${step}, expected a finite number. The run has diverged: lower --lr`;
    throw new DivergedError(step, message);
  }
  metrics.validation.push({ step, loss });
  output.event({ event: "validation", step, loss, whole });
  if (whole) progress.line(`validation loss ${loss.toFixed(4)} over the whole validation text`);
}

/** As `measure`, but the end of the run is not an error. */
async function measureUnlessStopped(options: RunOptions, step: number, progress: Progress): Promise<boolean> {
  try {
    await measure(options, step, progress);
    return true;
  } catch (error) {
    if (options.signal.aborted && error === options.signal.reason) return false;
    throw error;
  }
}

function trainingOf({ session, settings, from = 0, signal }: RunOptions) {
  const { steps, accumulate, clip } = settings;
  return train({
    ...session,
    nextBatch: () => session.cursor.next(),
    ...{ steps, from, accumulate, signal },
    ...(clip > 0 && { maxGradientNorm: clip }),
  });
}

/** Trains to the end or to the signal, and saves at the start, as it goes and at the end. */
export async function runTraining(options: RunOptions): Promise<RunEnd> {
  const { settings, from = 0, metrics, output } = options;
  const tokensPerStep = settings.batch * settings.context * settings.accumulate;
  const started = performance.now();
  let [step, unsaved, busy] = [from, false, 0];
  // The first snapshot proves that the folder can be written to, before hours of work.
  if (options.from === undefined) await saveRun(options, 0);
  const progress = createProgress(settings.steps, from, options.streams, output.json);
  const catchUp = async (): Promise<void> => {
    if (isMeasureDue(options, step)) unsaved = (await measureUnlessStopped(options, step, progress)) || unsaved;
  };
  try {
    await catchUp();
    let mark = performance.now();
    for await (const update of trainingOf(options)) {
      busy += performance.now() - mark;
      [step, unsaved] = [update.step, true];
      noteLoss(options, step, update.loss);
      const rate = Math.round(((step - from) * tokensPerStep * 1000) / busy);
      output.event({ event: "step", ...update, tokensPerSecond: rate });
      const validation = short(metrics.validation.at(-1)?.loss);
      const left = duration((((performance.now() - started) / (step - from)) * (settings.steps - step)) / 1000);
      progress.update(step, { loss: short(update.loss), validation, rate: rate.toLocaleString("en"), left });
      await catchUp();
      if (step % settings.saveEvery === 0 && step < settings.steps) {
        await saveRun(options, step);
        unsaved = false;
      }
      mark = performance.now();
    }
    if (unsaved) await saveRun(options, step);
  } finally {
    progress.stop();
  }
  return {
    step,
    interrupted: isMeasureDue(options, step) || step < settings.steps,
    seconds: (performance.now() - started) / 1000,
  };
}
