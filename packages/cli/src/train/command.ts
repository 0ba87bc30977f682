import { formatHuggingFaceJson, writeFileAtomic } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { savePretrained } from "@heed/models";
import { countParameters } from "@heed/nn";
import { generate, restoreRun, sample } from "@heed/train";
import { rng } from "@heed/tensor";
import { join, relative } from "node:path";
import { chooseBackend } from "../backend.ts";
import type { TrainFlags } from "../commands/train.ts";
import { exitCodes, wrongUse } from "../errors.ts";
import { lossChart } from "../loss-chart.ts";
import type { Context } from "../program.ts";
import { readTexts } from "../text-files.ts";
import { expectNewFolder, openRun } from "./folder.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { type RunEnd, type RunMetrics, type RunOptions, runTraining } from "./run.ts";
import { type Corpus, type Session, checksumOf, createSession, prepareCorpus } from "./session.ts";
import { type TrainSettings, type TunableSettings, checkSameText, chooseSettings, continueSettings } from "./settings.ts";

export interface TrainRequest {
  /** absolute paths; may be empty when resuming */
  readonly files: readonly string[];
  readonly given: Partial<TunableSettings>;
  readonly preset?: Partial<TunableSettings> | undefined;
  readonly flags: TrainFlags;
}

interface Prepared {
  readonly settings: TrainSettings;
  readonly corpus: Corpus;
  readonly session: Session;
  readonly from: number;
  readonly metrics: RunMetrics;
}

/** Trains a run from its start or from its last snapshot, writes the folder, shows what was learned. */
export async function runTrainCommand(context: Context, request: TrainRequest): Promise<void> {
  const { output, streams } = context;
  const { flags } = request;
  chooseBackend(flags.threads);
  const prepared = flags.resume ? await resume(context, request) : await begin(request);
  const { settings, session, from, metrics } = prepared;
  const folder = flags.out;
  announce(context, prepared, folder);
  const interrupt = listenForInterrupt();
  const run: RunOptions = { session, settings, pace: flags, folder, from, metrics, output, streams, signal: interrupt.signal };
  let end: RunEnd;
  try {
    end = await runTraining(run);
  } finally {
    interrupt.release();
  }
  if (end.interrupted) {
    const command = continueCommand(context, folder, settings);
    output.event({ event: "interrupted", step: end.step, continue: command });
    output.notice(`stopped and saved at step ${end.step} of ${settings.steps}. Continue with:\n  ${command}`);
    context.exitCode = exitCodes.interrupted;
    return;
  }
  await exportFolder(folder, prepared);
  await report(context, prepared, folder, end, flags.sample);
}

async function begin({ files, given, preset, flags }: TrainRequest): Promise<Prepared> {
  const tunable = chooseSettings(given, preset);
  if (files.length === 0) throw wrongUse("train: no text file was given, expected at least one. For example: heed train my.txt");
  await expectNewFolder(flags.out);
  const text = await readTexts(files);
  const settings: TrainSettings = { ...tunable, files, textChecksum: checksumOf(text) };
  const corpus = prepareCorpus(text, settings.tokenizer, settings);
  return { settings, corpus, session: createSession(settings, corpus), from: 0, metrics: { train: [], validation: [] } };
}

async function resume({ output }: Context, { files, given, flags }: TrainRequest): Promise<Prepared> {
  const { snapshot, settings: saved } = await openRun(flags.out, output);
  const settings = continueSettings(saved, given);
  const text = await readTexts(files.length > 0 ? files : saved.files);
  checkSameText(saved, checksumOf(text));
  const corpus = prepareCorpus(text, settings.tokenizer, settings);
  const session = createSession(settings, corpus);
  const { step, rng: generator, metrics } = restoreRun(snapshot, session);
  return { settings, corpus, session: { ...session, rng: generator }, from: step, metrics: metrics as unknown as RunMetrics };
}

function announce({ output }: Context, { settings, corpus, session, from }: Prepared, folder: string): void {
  const { layers, heads, width, context, steps } = settings;
  const parameters = countParameters(session.model);
  output.event({ event: "start", settings, parameters, vocabulary: corpus.tokenizer.vocabSize, trainTokens: corpus.train.length, validationTokens: corpus.validation.length, from, out: folder });
  output.line(`GPT with ${layers} layers, ${heads} heads, width ${width}, context ${context}: ${parameters.toLocaleString("en")} parameters`);
  output.line(`${corpus.train.length.toLocaleString("en")} tokens to train on, ${corpus.validation.length.toLocaleString("en")} to validate, vocabulary ${corpus.tokenizer.vocabSize}`);
  if (from > 0) output.line(`continuing at step ${from} of ${steps}`);
}

/** The Hugging Face folder: config.json, model.safetensors, tokenizer.json. */
async function exportFolder(folder: string, { session, corpus }: Prepared): Promise<void> {
  const store = nodeFileStore();
  await savePretrained(store, folder, { modelType: "gpt2", config: session.config, model: session.model });
  const json = formatHuggingFaceJson(corpus.tokenizer.toJSON() as never);
  await writeFileAtomic(store, join(folder, "tokenizer.json"), [new TextEncoder().encode(json)]);
}

function continueCommand({ cwd }: Context, folder: string, { files }: TrainSettings): string {
  const quote = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
  const out = quote(relative(cwd, folder) || ".");
  return `npm run heed -- train ${files.map((file) => quote(relative(cwd, file))).join(" ")} --out ${out} --resume`;
}

async function report({ output, cwd }: Context, { settings, corpus, session, metrics }: Prepared, folder: string, end: RunEnd, sampleTokens: number): Promise<void> {
  const validation = metrics.validation.at(-1)!.loss;
  const text = sampleTokens > 0 ? await sampleText(corpus, session, sampleTokens, settings.seed) : undefined;
  output.event({ event: "done", step: end.step, seconds: end.seconds, validationLoss: validation, out: folder, sample: text });
  const out = relative(cwd, folder) || ".";
  output.line();
  output.line("training loss");
  output.line(lossChart(metrics.train.map(({ loss }) => loss)));
  output.line();
  output.line(`validation loss ${validation.toFixed(4)} after ${end.step} steps (${end.seconds.toFixed(1)} s)`);
  if (text !== undefined) output.line(`\na sample:\n${text}\n`);
  output.line(`saved ${out}: config.json, model.safetensors and tokenizer.json open in Hugging Face transformers; run/ holds the snapshots`);
  output.line(`more: npm run --silent heed -- generate ${out} --prompt "..."`);
}

/** A sample that starts as the validation text does, with its line break if it has one. */
async function sampleText({ tokenizer, validation }: Corpus, { model }: Session, count: number, seed: number): Promise<string> {
  const ids: number[] = [];
  for await (const { tokens } of generate({ model, prompts: [validation.slice(0, 1)], maxNewTokens: count, sampler: sample({ temperature: 0.8, topK: 200 }), rng: rng(seed).fork(3) })) ids.push(tokens[0]!);
  return tokenizer.decode(Int32Array.from([validation[0]!, ...ids]));
}
