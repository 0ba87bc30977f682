import { generate, greedy, sample } from "@heed/train";
import { rng } from "@heed/tensor";
import { Command } from "commander";
import { resolve } from "node:path";
import { chooseBackend } from "../backend.ts";
import { wrongUse } from "../errors.ts";
import { nonNegativeNumber, positiveNumber, wholeNumber } from "../numbers.ts";
import { openModel, openTokenizer } from "../open-model.ts";
import type { Context } from "../program.ts";

interface GenerateFlags {
  readonly prompt: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP: number;
  readonly seed: number;
  readonly threads?: number;
}

export function generateCommand(context: Context): Command {
  return new Command("generate")
    .description("Continue a prompt with a model.")
    .argument("<folder>", "Hugging Face folder with tokenizer.json, such as one that train wrote")
    .option("--prompt <text>", "what to continue", "\n")
    .option("--tokens <n>", "tokens to add", wholeNumber(0, 1_000_000), 300)
    .option("--temperature <t>", "0 takes the most probable token", nonNegativeNumber(1000), 0.8)
    .option("--top-k <n>", "only the n most probable tokens", wholeNumber(1, 1_000_000_000))
    .option("--top-p <p>", "only the most probable tokens that add up to p", positiveNumber(1), 1)
    .option("--seed <n>", "of the draws", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option("--threads <n>", "threads to compute with", wholeNumber(1, 64))
    .action((folder: string, flags: GenerateFlags) => run(context, resolve(context.cwd, folder), flags));
}

async function run({ output, streams }: Context, folder: string, flags: GenerateFlags): Promise<void> {
  chooseBackend(flags.threads);
  const { model } = await openModel("generate", folder);
  const tokenizer = await openTokenizer("generate", folder, model.vocabSize);
  if (flags.prompt === "") throw wrongUse("generate: --prompt is empty, expected at least one character");
  const prompt = tokenizer.encode(flags.prompt);
  const { temperature, topK, topP } = flags;
  const sampler = temperature === 0 ? greedy() : sample({ temperature, topP, ...(topK !== undefined && { topK }) });
  const started = performance.now();
  const ids: number[] = [];
  let shown = "";
  if (!output.json) streams.stdout.write(flags.prompt);
  for await (const { tokens } of generate({ model, prompts: [prompt], maxNewTokens: flags.tokens, sampler, rng: rng(flags.seed) })) {
    ids.push(tokens[0]!);
    const text = tokenizer.decode(Int32Array.from(ids));
    // A character of several tokens is shown when it is whole.
    if (text.endsWith("\uFFFD")) continue;
    if (!output.json) streams.stdout.write(text.slice(shown.length));
    shown = text;
  }
  const text = tokenizer.decode(Int32Array.from(ids));
  output.line(text.slice(shown.length));
  const seconds = (performance.now() - started) / 1000;
  output.event({ event: "generated", prompt: flags.prompt, text, tokens: ids, seconds, tokensPerSecond: ids.length / seconds });
}
