import { type Batch, sequentialWindows } from "@heed/data";
import { crossEntropy, fromArray } from "@heed/tensor";
import { evaluate } from "@heed/train";
import { Command } from "commander";
import { resolve } from "node:path";
import { chooseBackend } from "../backend.ts";
import { badInput } from "../errors.ts";
import { wholeNumber } from "../numbers.ts";
import { openModel, openTokenizer } from "../open-model.ts";
import type { Context } from "../program.ts";
import { readTexts } from "../text-files.ts";

interface EvalFlags {
  readonly batch: number;
  readonly context?: number;
  readonly threads?: number;
}

export function evalCommand(context: Context): Command {
  return new Command("eval")
    .description("Mean loss and perplexity of a model on text files.")
    .argument("<folder>", "Hugging Face folder with tokenizer.json")
    .argument("<files...>", "UTF-8 text files")
    .option("--batch <n>", "sequences in a batch", wholeNumber(1, 65536), 16)
    .option("--context <n>", "tokens in a sequence (default: the model's)", wholeNumber(1, 65536))
    .option("--threads <n>", "threads to compute with", wholeNumber(1, 64))
    .action((folder: string, files: string[], flags: EvalFlags) =>
      run(context, resolve(context.cwd, folder), files.map((file) => resolve(context.cwd, file)), flags),
    );
}

async function run({ output }: Context, folder: string, files: readonly string[], flags: EvalFlags): Promise<void> {
  chooseBackend(flags.threads);
  const { model } = await openModel("eval", folder);
  const tokenizer = await openTokenizer("eval", folder, model.vocabSize);
  const tokens = tokenizer.encode(await readTexts(files));
  const contextLength = Math.min(flags.context ?? model.maxSeqLen, model.maxSeqLen);
  if (tokens.length < 2) throw badInput(`eval: the text has ${tokens.length} token, expected at least 2. Give more text`);
  const windows = sequentialWindows({ tokens, contextLength: Math.min(contextLength, tokens.length - 1), batchSize: flags.batch });
  const started = performance.now();
  const { loss, perplexity, targets } = await evaluate({
    batches: allOf(() => windows.next()),
    loss: ({ inputs, targets: next, B, T }) => crossEntropy(model.forward(fromArray(inputs, [B, T])), fromArray(next, [B, T])),
    targets: (batch) => batch.targets.length,
  });
  const seconds = (performance.now() - started) / 1000;
  output.event({ event: "evaluated", loss, perplexity, targets, seconds });
  output.line(`loss ${loss.toFixed(4)} nats a token, perplexity ${perplexity.toFixed(3)}, over ${targets.toLocaleString("en")} tokens (${seconds.toFixed(1)} s)`);
}

function* allOf(next: () => Batch | undefined): Iterable<Batch> {
  for (let batch = next(); batch; batch = next()) yield batch;
}
