import { rng } from "@heed/tensor";
import {
  beamSearch,
  type ContinuationOptions,
  generate,
  greedy,
  type LogitsProcessor,
  type Sampler,
  sample,
  stopStrings,
} from "@heed/train";
import { Command, InvalidArgumentError, Option } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { badInput } from "../errors.ts";
import { type GenerationOptions, processorsFrom, tokenIds } from "../generation-processors.ts";
import { type GenerationRequest, requestOf } from "../generation-request.ts";
import { resolveFolder } from "../model-folder.ts";
import { nonNegativeNumber, numberBetween, positiveNumber, wholeNumber } from "../numbers.ts";
import { openModel } from "../open-model.ts";
import { textStream } from "../text-stream.ts";

interface GenerateFlags {
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly noRepeatNgram?: number;
  readonly minNewTokens?: number;
  readonly beams: number;
  readonly lengthPenalty: number;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly threads?: number;
}

function stopText(text: string, before: readonly string[]): readonly string[] {
  if (text === "") throw new InvalidArgumentError("Expected a text that is not empty.");
  return [...before, text];
}

function noRepeatNgramOption(): Option {
  const words = "no n tokens in a row come twice, 0 allows it (default: the folder's, else 0)";
  const option = new Option("--no-repeat-ngram <n>", words).argParser(wholeNumber(0, 1_000_000));
  // The argument parser would take it for the opposite of an option --repeat-ngram.
  option.negate = false;
  return option;
}

/** `generate`: continues a prompt, or of an encoder-decoder makes the target of a source. */
export function generateCommand(context: Context): Command {
  const samplers = ["temperature", "topK", "topP", "minP", "seed"];
  return new Command("generate")
    .description("Continue a prompt with a model, or translate it with an encoder-decoder.")
    .argument("<folder>", "Hugging Face folder with tokenizer.json, such as one that train wrote, or its web address")
    .option("--prompt <text>", "what to continue (default: a line break), or the source of an encoder-decoder")
    .option("--tokens <n>", "tokens to add at most", wholeNumber(0, 1_000_000), 300)
    .option(
      "--temperature <t>",
      "0 takes the most probable token (default: 0.8; 0 for encoder-decoders)",
      nonNegativeNumber(1000),
    )
    .option("--top-k <n>", "only the n most probable tokens (default: all)", wholeNumber(1, 1_000_000_000))
    .option("--top-p <p>", "only the most probable tokens that add up to p (default: all)", positiveNumber(1))
    .option(
      "--min-p <p>",
      "only tokens at least p times as probable as the most probable one (default: all)",
      nonNegativeNumber(1),
    )
    .option(
      "--repetition-penalty <x>",
      "above 1 makes tokens rarer that came before (default: the folder's, else 1)",
      positiveNumber(100),
    )
    .addOption(noRepeatNgramOption())
    .option(
      "--min-new-tokens <n>",
      "end tokens cannot come before n others (default: the folder's, else 0)",
      wholeNumber(0, 1_000_000),
    )
    .addOption(
      new Option("--beams <n>", "hypotheses of a beam search, which stays within the model's context; 1 is none")
        .argParser(wholeNumber(1, 1000))
        .default(1)
        .conflicts(samplers),
    )
    .option("--length-penalty <x>", "of a beam search: above 0 longer texts gain", numberBetween(-100, 100), 1)
    .option("--stop <text>", "ends where this text was made; can be given again", stopText, [])
    .option("--seed <n>", "of the draws", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option("--threads <n>", "threads to compute with (default: as many as the machine has)", wholeNumber(1, 64))
    .action((folder: string, flags: GenerateFlags) => run(context, resolveFolder(context.cwd, folder), flags));
}

/** A model may have more rows than its tokenizer has tokens: those are never drawn. */
const within =
  (vocabSize: number): LogitsProcessor =>
  (logits) =>
    void logits.fill(-Infinity, vocabSize);

function samplerOf({ goesOn }: GenerationRequest, flags: GenerateFlags): Sampler {
  const { temperature = goesOn ? 0.8 : 0, topK, topP, minP } = flags;
  if (temperature === 0) return greedy();
  return sample({
    temperature,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
  });
}

/** What flags ask for, else generation_config.json, else config.json. */
function generationOptions(request: GenerationRequest, flags: GenerateFlags, folder: string): GenerationOptions {
  const { model, stopTokens, option } = request;
  const flagged: Readonly<Record<string, number | undefined>> = {
    repetition_penalty: flags.repetitionPenalty,
    no_repeat_ngram_size: flags.noRepeatNgram,
    min_new_tokens: flags.minNewTokens,
  };
  return {
    get: (key) => flagged[key] ?? option(key),
    refuse: (key, value, expected) =>
      badInput(`generate: ${key} of ${folder} is ${JSON.stringify(value)}, expected ${expected}. Correct the file`),
    ...{ vocabSize: model.vocabSize, stopTokens },
  };
}

function continuationOf(
  request: GenerationRequest,
  flags: GenerateFlags,
  processors: readonly LogitsProcessor[],
  { streams }: Context,
): ContinuationOptions {
  const { model, tokenizer, start, stopTokens, goesOn } = request;
  // Only a continuation can go on past the context, with its second half.
  const most = goesOn && flags.beams === 1 ? Infinity : model.maxSeqLen + 1 - start.length;
  return {
    ...{ model, prompts: [start], stopTokens, maxNewTokens: Math.min(flags.tokens, most) },
    processors: [...processors, within(tokenizer.vocabSize)],
    ...(flags.stop.length > 0 && { stopWhen: stopStrings(flags.stop, (tokens) => tokenizer.decode(tokens)) }),
    ...(streams.closed && { signal: streams.closed }),
  };
}

/** The tokens as they come; those of a beam search all at once. */
async function* tokensOf(
  request: GenerationRequest,
  flags: GenerateFlags,
  options: ContinuationOptions,
): AsyncGenerator<number> {
  if (flags.beams > 1) {
    const [found] = await beamSearch({ ...options, numBeams: flags.beams, lengthPenalty: flags.lengthPenalty });
    yield* found![0]!.tokens;
    return;
  }
  const steps = generate({ ...options, sampler: samplerOf(request, flags), rng: rng(flags.seed) });
  for await (const { tokens } of steps) yield tokens[0]!;
}

async function run(context: Context, folder: string, flags: GenerateFlags): Promise<void> {
  const { output } = context;
  chooseBackend(flags.threads);
  const request = await requestOf(folder, await openModel("generate", folder), flags.prompt);
  const { tokenizer, prompt, start, stopTokens } = request;
  const asked = generationOptions(request, flags, folder);
  const options = continuationOf(request, flags, processorsFrom(asked), context);
  const forced = start.length === 1 ? tokenIds(asked, "forced_bos_token_id", "one")[0] : undefined;
  const started = performance.now();
  const ids: number[] = [];
  const shown = textStream(tokenizer);
  let text = "";
  const show = (more: string): void => {
    // Tokens of words hold the space before them; nothing stands before the first word of a target.
    const part = text === "" && !request.goesOn ? more.trimStart() : more;
    text += part;
    output.text(part);
  };
  if (request.goesOn) output.text(flags.prompt ?? "");
  for await (const token of tokensOf(request, flags, options)) {
    // Neither a token that ends a text nor a first one that the files force is text.
    if (!stopTokens.includes(token) && !(ids.length === 0 && token === forced)) show(shown.push(token));
    ids.push(token);
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
