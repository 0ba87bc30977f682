import { resolve } from "node:path";
import { isTokenizerError, sequentialWindows, type Tokenizer } from "@heed/data";
import { crossEntropy, fromArray } from "@heed/tensor";
import { evaluate } from "@heed/train";
import { Command } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { badInput, wrongUse } from "../errors.ts";
import { resolveFolder } from "../model-folder.ts";
import { wholeNumber } from "../numbers.ts";
import { openDecoder, openTokenizer } from "../open-model.ts";
import { readTexts } from "../text-files.ts";

interface EvalFlags {
  readonly batch: number;
  readonly context?: number;
  readonly threads?: number;
}

/** `eval`: mean loss on texts. */
export function evalCommand(context: Context): Command {
  return new Command("eval")
    .description("Mean loss and perplexity of a model on text files.")
    .argument("<folder>", "Hugging Face folder with tokenizer.json, or its web address")
    .argument("<files...>", "UTF-8 text files")
    .option("--batch <n>", "sequences in a batch", wholeNumber(1, 65536), 12)
    .option("--context <n>", "tokens in a sequence (default: the model's)", wholeNumber(1, 65536))
    .option("--threads <n>", "threads to compute with (default: as many as the machine has)", wholeNumber(1, 64))
    .action((folder: string, files: string[], flags: EvalFlags) => {
      const paths = files.map((file) => resolve(context.cwd, file));
      return run(context, resolveFolder(context.cwd, folder), paths, flags);
    });
}

function encodeTexts(tokenizer: Tokenizer, text: string, files: readonly string[]): Int32Array {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (isTokenizerError(error)) throw badInput(`eval: ${files.join(", ")}: ${error.message}`);
    throw error;
  }
}

async function run({ output }: Context, folder: string, files: readonly string[], flags: EvalFlags): Promise<void> {
  chooseBackend(flags.threads);
  const { model } = await openDecoder("eval", folder);
  const tokenizer = await openTokenizer("eval", folder, model.vocabSize);
  const tokens = encodeTexts(tokenizer, await readTexts(files), files);
  const contextLength = flags.context ?? model.maxSeqLen;
  if (contextLength > model.maxSeqLen) {
    throw wrongUse(
      `eval: --context is too long, expected at most ${model.maxSeqLen} (the model's), got ${contextLength}. Leave it out`,
    );
  }
  if (tokens.length < 2) {
    throw badInput(`eval: the text is too short, expected at least 2 tokens, got ${tokens.length}. Give more text`);
  }
  const started = performance.now();
  const { loss, perplexity, targets } = await evaluate({
    batches: sequentialWindows({ tokens, contextLength, batchSize: flags.batch }),
    loss: ({ inputs, targets: next, B, T }) =>
      crossEntropy(model.forward(fromArray(inputs, [B, T])), fromArray(next, [B, T])),
    targets: ({ B, T }) => B * T,
  });
  const seconds = (performance.now() - started) / 1000;
  output.event({ event: "evaluated", loss, perplexity, targets, seconds });
  output.line(
    `loss ${loss.toFixed(4)} nats a token, perplexity ${perplexity.toFixed(3)}, over ${targets.toLocaleString("en")} tokens (${seconds.toFixed(1)} s)`,
  );
}
