import { resolve } from "node:path";
import { isTokenizerError, type Tokenizer } from "@heed/data";
import type { Pretrained } from "@heed/models";
import { rng } from "@heed/tensor";
import { generate, greedy, type Sampler, sample } from "@heed/train";
import { Command } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { wrongUse } from "../errors.ts";
import { nonNegativeNumber, positiveNumber, wholeNumber } from "../numbers.ts";
import { openDecoder, openTokenizer } from "../open-model.ts";
import { startTokens } from "../start-tokens.ts";
import { textStream } from "../text-stream.ts";

interface GenerateFlags {
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP: number;
  readonly seed: number;
  readonly threads?: number;
}

/** `generate`: continues a prompt. */
export function generateCommand(context: Context): Command {
  return new Command("generate")
    .description("Continue a prompt with a model.")
    .argument("<folder>", "Hugging Face folder with tokenizer.json, such as one that train wrote")
    .option("--prompt <text>", "what to continue (default: a line break)")
    .option("--tokens <n>", "tokens to add", wholeNumber(0, 1_000_000), 300)
    .option("--temperature <t>", "0 takes the most probable token", nonNegativeNumber(1000), 0.8)
    .option("--top-k <n>", "only the n most probable tokens (default: all)", wholeNumber(1, 1_000_000_000))
    .option("--top-p <p>", "only the most probable tokens that add up to p", positiveNumber(1), 1)
    .option("--seed <n>", "of the draws", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option("--threads <n>", "threads to compute with (default: as many as the machine has)", wholeNumber(1, 64))
    .action((folder: string, flags: GenerateFlags) => run(context, resolve(context.cwd, folder), flags));
}

function encodePrompt(tokenizer: Tokenizer, prompt: string | undefined, most: number): Int32Array {
  if (prompt === undefined) return startTokens(tokenizer);
  const encode = (): Int32Array => {
    try {
      return tokenizer.encode(prompt);
    } catch (error) {
      if (isTokenizerError(error) && error.code === "text") throw wrongUse(`generate: --prompt: ${error.message}`);
      throw error;
    }
  };
  const tokens = encode();
  if (tokens.length === 0) {
    throw wrongUse(
      `generate: --prompt has no tokens, expected at least one, got ${JSON.stringify(prompt)}. Give a text`,
    );
  }
  if (tokens.length > most) {
    throw wrongUse(
      `generate: --prompt has ${tokens.length} tokens, expected at most ${most} (the model's context). Shorten it`,
    );
  }
  return tokens;
}

/** A model may have more rows than its tokenizer has tokens: those are never drawn. */
const within =
  (vocabSize: number, sampler: Sampler): Sampler =>
  (logits, random) =>
    sampler(logits.subarray(0, vocabSize), random);

function samplerOf({ temperature, topK, topP }: GenerateFlags): Sampler {
  return temperature === 0 ? greedy() : sample({ temperature, topP, ...(topK !== undefined && { topK }) });
}

/** The tokens that end a text, as the model's files name them. */
function stopTokensOf({ origin }: Pretrained): number[] {
  const named = origin?.generationConfig?.["eos_token_id"] ?? origin?.config["eos_token_id"];
  return [named].flat().filter((id) => typeof id === "number");
}

async function run({ output, streams }: Context, folder: string, flags: GenerateFlags): Promise<void> {
  chooseBackend(flags.threads);
  const { model, pretrained } = await openDecoder("generate", folder);
  const tokenizer = await openTokenizer("generate", folder, model.vocabSize);
  const prompt = encodePrompt(tokenizer, flags.prompt, model.maxSeqLen);
  const started = performance.now();
  const ids: number[] = [];
  const shown = textStream(tokenizer);
  let text = "";
  const show = (more: string): void => {
    text += more;
    output.text(more);
  };
  output.text(flags.prompt ?? "");
  for await (const { tokens } of generate({
    model,
    prompts: [prompt],
    maxNewTokens: flags.tokens,
    sampler: within(tokenizer.vocabSize, samplerOf(flags)),
    rng: rng(flags.seed),
    stopTokens: stopTokensOf(pretrained),
    ...(streams.closed && { signal: streams.closed }),
  })) {
    ids.push(tokens[0]!);
    show(shown.push(tokens[0]!));
  }
  show(shown.end());
  output.line();
  const seconds = (performance.now() - started) / 1000;
  const rate = ids.length / seconds;
  output.event({
    event: "generated",
    prompt: tokenizer.decode(prompt),
    text,
    tokens: ids,
    seconds,
    tokensPerSecond: rate,
  });
}
