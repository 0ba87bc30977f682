import { rng } from "@heed/tensor";
import {
  beamSearch,
  type ContinuationOptions,
  generate,
  greedy,
  type LogitsProcessor,
  repetitionPenalty,
  type Sampler,
  sample,
  stopStrings,
} from "@heed/train";
import { Command, InvalidArgumentError, Option } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
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
    .option("--repetition-penalty <x>", "above 1 makes tokens rarer that came before (default: 1)", positiveNumber(100))
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

function optionsOf(request: GenerationRequest, flags: GenerateFlags, { streams }: Context): ContinuationOptions {
  const { model, tokenizer, start, stopTokens, goesOn } = request;
  const penalty = flags.repetitionPenalty ?? 1;
  // Only a continuation can go on past the context, with its second half.
  const most = goesOn && flags.beams === 1 ? Infinity : model.maxSeqLen + 1 - start.length;
  return {
    ...{ model, prompts: [start], stopTokens, maxNewTokens: Math.min(flags.tokens, most) },
    processors: [within(tokenizer.vocabSize), ...(penalty === 1 ? [] : [repetitionPenalty(penalty)])],
    ...(flags.stop.length > 0 && { stopWhen: stopStrings(flags.stop, (tokens) => tokenizer.decode(tokens)) }),
    ...(streams.closed && { signal: streams.closed }),
  };
}

/** The tokens as they come; those of a beam search all at once. */
async function* tokensOf(request: GenerationRequest, flags: GenerateFlags, context: Context): AsyncGenerator<number> {
  const options = optionsOf(request, flags, context);
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
  const { tokenizer, prompt, stopTokens } = request;
  const started = performance.now();
  const ids: number[] = [];
  const shown = textStream(tokenizer);
  let text = "";
  const show = (more: string): void => {
    text += more;
    output.text(more);
  };
  if (request.goesOn) output.text(flags.prompt ?? "");
  for await (const token of tokensOf(request, flags, context)) {
    ids.push(token);
    if (!stopTokens.includes(token)) show(shown.push(token));
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
