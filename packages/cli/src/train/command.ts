import { countParameters } from "@heed/nn";
import { isDivergedError, restoreRun } from "@heed/train";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { badInput, checkFailed, exitCodes, isRefusal, wrongUse } from "../errors.ts";
import { shellWord } from "../program-name.ts";
import { checkVaried, readTexts } from "../text-files.ts";
import { exportFolder } from "./export.ts";
import { expectNewFolder, openRun, saveSettings } from "./folder.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { relativePath, report } from "./report.ts";
import { newMetrics, type RunEnd, type RunMetrics, type RunOptions, runTraining } from "./run.ts";
import { type Corpus, checksumOf, createSession, prepareCorpus, type Session } from "./session.ts";
import {
  checkSameText,
  chooseSettings,
  continueSettings,
  type TrainSettings,
  type TunableSettings,
} from "./settings.ts";

/** What the command line asks for. */
export interface TrainRequest {
  /** absolute paths; may be empty when resuming */
  readonly files: readonly string[];
  readonly given: Partial<TunableSettings>;
  readonly preset?: Partial<TunableSettings> | undefined;
  /** absolute path */
  readonly out: string;
  readonly resume: boolean;
  /** tokens of the sample at the end */
  readonly sample: number;
  readonly threads?: number | undefined;
}

/** A run about to go on. */
export interface Prepared {
  readonly settings: TrainSettings;
  readonly corpus: Corpus;
  readonly session: Session;
  /** updates made; undefined before the first snapshot */
  readonly from: number | undefined;
  readonly metrics: RunMetrics;
}

/** Trains a run from its start or from its last snapshot, writes the folder, shows what was learned. */
export async function runTrainCommand(context: Context, request: TrainRequest): Promise<void> {
  chooseBackend(request.threads);
  const prepared = request.resume ? await resume(context, request) : await begin(request);
  announce(context, prepared, request.out);
  const end = await carryOn(context, prepared, request);
  await exportFolder(request.out, prepared);
  if (!end.interrupted) return report(context, prepared, request.out, end, request.sample);
  const command = continueCommand(context, request);
  context.output.event({ event: "interrupted", step: end.step, continue: command });
  context.output.notice(
    `stopped and saved at step ${end.step} of ${prepared.settings.steps}. Continue with:\n  ${command}`,
  );
  context.exitCode = exitCodes.interrupted;
}

async function begin({ files, given, preset, out }: TrainRequest): Promise<Prepared> {
  const tunable = chooseSettings(given, preset);
  if (files.length === 0) {
    throw wrongUse("train: no text file was given, expected at least one. For example: heed train my.txt");
  }
  await expectNewFolder(out);
  const text = await readTexts(files);
  checkVaried(text, files);
  const settings: TrainSettings = { ...tunable, files, textChecksum: checksumOf(text) };
  const corpus = prepareCorpus(text, settings.tokenizer, settings);
  const session = createSession(settings, corpus);
  await saveSettings(out, settings);
  return { settings, corpus, session, from: undefined, metrics: newMetrics() };
}

async function resume({ output }: Context, { files, given, preset, out }: TrainRequest): Promise<Prepared> {
  const run = await openRun(out);
  const settings = continueSettings(run.settings, given, preset);
  const text = await readTexts(files.length > 0 ? files : settings.files);
  checkSameText(settings, checksumOf(text));
  const corpus = prepareCorpus(text, settings.tokenizer, settings);
  const session = createSession(settings, corpus);
  const rejected: { name: string; reason: string }[] = [];
  const reject = (name: string, reason: string): void => void rejected.push({ name, reason });
  for await (const { name, snapshot } of run.snapshots(reject)) {
    try {
      const { step, rng, metrics } = restoreRun(snapshot, session);
      for (const bad of rejected) {
        output.notice(`snapshot ${bad.name} cannot be used (${bad.reason}); the one before, ${name}, is`);
      }
      const kept = metrics as unknown as RunMetrics;
      return { settings, corpus, session: { ...session, rng }, from: step, metrics: kept };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      reject(name, error.message);
    }
  }
  const reasons = rejected.map(({ name, reason }) => `${name} (${reason})`).join("; ");
  throw badInput(
    `train: no snapshot in ${out} can be used, expected one of this run, got ${reasons}. Start another run with another --out`,
  );
}

function announce({ output, cwd }: Context, prepared: Prepared, folder: string): void {
  const { settings, corpus, session, from } = prepared;
  const { layers, heads, width, context, steps } = settings;
  const parameters = countParameters(session.model);
  const vocabulary = corpus.tokenizer.vocabSize;
  const tokens = { trainTokens: corpus.train.length, validationTokens: corpus.validation.length };
  output.event({ event: "start", settings, parameters, vocabulary, ...tokens, from: from ?? 0, out: folder });
  const sizes = `${layers} layers, ${heads} heads, width ${width}, context ${context}`;
  output.line(`GPT with ${sizes}: ${parameters.toLocaleString("en")} parameters`);
  output.line(
    `${tokens.trainTokens.toLocaleString("en")} tokens to train on, ${tokens.validationTokens.toLocaleString("en")} to validate, vocabulary ${vocabulary}`,
  );
  output.line(`saving to ${relativePath(cwd, folder)}; Ctrl-C saves and stops`);
  if (from !== undefined) output.line(`continuing at step ${from} of ${steps}`);
}

/** The training itself, under the user's signals. */
async function carryOn(context: Context, prepared: Prepared, { out }: TrainRequest): Promise<RunEnd> {
  const { output, streams } = context;
  const interrupt = listenForInterrupt(streams.closed, () =>
    output.notice("stopping after this step and saving; once more stops at once"),
  );
  const run: RunOptions = { ...prepared, folder: out, output, streams, signal: interrupt.signal };
  try {
    return await runTraining(run);
  } catch (error) {
    if (!isDivergedError(error)) throw error;
    throw checkFailed(`${error.message}. The snapshots in ${relativePath(context.cwd, out)} are from before`);
  } finally {
    interrupt.release();
  }
}

function continueCommand({ cwd, program }: Context, { out, threads }: TrainRequest): string {
  const more = threads === undefined ? "" : ` --threads ${threads}`;
  return `${program} train --out ${shellWord(relativePath(cwd, out))} --resume${more}`;
}
