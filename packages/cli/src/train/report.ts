import { relative } from "node:path";
import { rng } from "@heed/tensor";
import { generate, sample } from "@heed/train";
import type { Context } from "../context.ts";
import { lossChart } from "../loss-chart.ts";
import { shellWord } from "../program-name.ts";
import { startTokens } from "../start-tokens.ts";
import type { Prepared } from "./command.ts";
import type { RunEnd } from "./run.ts";

/** A path as the user would type it. */
export const relativePath = (cwd: string, path: string): string => relative(cwd, path) || ".";

/** Tells how a finished run ended: its curve, its loss, a sample, what to do next. */
export async function report(
  { output, cwd, program }: Context,
  prepared: Prepared,
  folder: string,
  end: RunEnd,
  sampleTokens: number,
): Promise<void> {
  const { metrics } = prepared;
  const validation = metrics.validation.at(-1)!.loss;
  const text = sampleTokens > 0 ? await sampleText(prepared, sampleTokens) : undefined;
  const { step, seconds } = end;
  output.event({
    event: "done",
    step,
    seconds,
    validationLoss: validation,
    out: folder,
    ...(text && { sample: text }),
  });
  const out = relativePath(cwd, folder);
  const chart = lossChart(metrics.train);
  if (chart) output.line(`\ntraining loss\n${chart}`);
  output.line(`\nvalidation loss ${validation.toFixed(4)} after ${step} steps (${seconds.toFixed(1)} s)`);
  if (text !== undefined) output.line(`\na sample:\n${text}\n`);
  output.line(`saved ${out}: config.json, model.safetensors and tokenizer.json open in Hugging Face transformers`);
  output.line(`more text: ${program} generate ${shellWord(out)} --prompt "..."`);
}

async function sampleText({ corpus, session, settings }: Prepared, count: number): Promise<string> {
  const prompt = startTokens(corpus.tokenizer);
  const ids = [...prompt];
  const random = rng(settings.seed).fork(3);
  const sampler = sample({ temperature: 0.8, topK: 200 });
  for await (const { tokens } of generate({
    model: session.model,
    prompts: [prompt],
    maxNewTokens: count,
    sampler,
    rng: random,
  })) {
    ids.push(tokens[0]!);
  }
  return corpus.tokenizer.decode(ids).trimStart();
}
