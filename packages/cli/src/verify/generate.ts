import { isEncoderDecoder, type Pretrained } from "@heed/models";
import { scope } from "@heed/tensor";
import { beamSearch, type CausalModel, generate, type LogitsProcessor } from "@heed/train";
import { badInput } from "../errors.ts";
import { type GenerationSettings, generationOptions, processorsOf, settingsOf } from "./generation-options.ts";
import type { GoldenArray, GoldenCase } from "./golden.ts";
import { decoderOf, paddingOf } from "./models/causal-lm.ts";
import type { Computed, Runner } from "./runners.ts";
import { optionsOf, tokensOf, unknownNames } from "./support.ts";

/** What is continued. */
interface Request {
  readonly model: CausalModel;
  /** as the fixture has them, padding included */
  readonly starts: readonly (readonly number[])[];
  /** without padding */
  readonly prompts: readonly Int32Array[];
  dispose(): void;
}

const rowsOf = ({ shape, values }: GoldenArray): number[][] =>
  Array.from({ length: shape[0]! }, (_, b) => Array.from(values).slice(b * shape[1]!, (b + 1) * shape[1]!));

/** The target of an encoder-decoder begins with a token that the files name; its prompt is the source. */
function targetRequest(pretrained: Pretrained, golden: GoldenCase, { startId }: GenerationSettings): Request {
  const { model } = pretrained;
  if (!isEncoderDecoder(model)) throw new TypeError("verify: model is no encoder-decoder, expected one");
  const given = golden.inputs.get("decoder_input_ids");
  if (!given && startId === undefined)
    throw badInput(
      `verify: config.json of ${pretrained.modelType} has no decoder_start_token_id, expected a token id: the decoder begins with it. Add it`,
    );
  const decoding = scope(() =>
    model.decoding({ source: tokensOf(model.encoder.vocabSize, golden), sourcePadding: paddingOf(golden) }),
  );
  const numRows = golden.inputs.get("input_ids")!.shape[0]!;
  const starts = given ? rowsOf(given) : Array.from({ length: numRows }, () => [startId!]);
  const prompts = starts.map((row) => Int32Array.from(row));
  return { model: decoding, starts, prompts, dispose: () => decoding.dispose() };
}

function textRequest(pretrained: Pretrained, golden: GoldenCase): Request {
  const model = decoderOf(pretrained);
  scope(() => void tokensOf(model.vocabSize, golden));
  const starts = rowsOf(golden.inputs.get("input_ids")!);
  const mask = golden.inputs.get("attention_mask");
  const real = mask ? rowsOf(mask) : starts.map((row) => row.map(() => 1));
  const prompts = starts.map((row, b) => Int32Array.from(row.slice(real[b]!.indexOf(1))));
  return { model, starts, prompts, dispose: () => undefined };
}

/** The original's processors also see the tokens that stand for padding. */
const seeingPadding =
  (processor: LogitsProcessor, { starts }: Request): LogitsProcessor =>
  (logits, row) => {
    const start = starts[row.index]!;
    const tokens = [...start, ...row.tokens.slice(row.promptLength)];
    processor(logits, { ...row, tokens, promptLength: start.length });
  };

type Computing = (request: Request, settings: GenerationSettings, processors: LogitsProcessor[]) => Promise<Computed>;

const stepByStep: Computing = async (request, settings, processors) => {
  const { model, prompts, starts } = request;
  const { maxNewTokens, stopTokens, paddingId } = settings;
  const rows = starts.map((row) => [...row]);
  const logits: number[] = [];
  const steps = generate({
    ...{ model, prompts, maxNewTokens, stopTokens, processors },
    ...(paddingId !== undefined && { paddingId }),
  });
  for await (const step of steps) {
    step.tokens.forEach((token, b) => rows[b]!.push(token));
    for (const row of step.logits) for (const logit of row) logits.push(logit);
  }
  const [B, T] = [rows.length, rows[0]!.length];
  const made = T - starts[0]!.length;
  return {
    outputs: new Map([
      ["sequences", { shape: [B, T], values: rows.flat() }],
      ["step_logits", { shape: [made, B, logits.length / (made * B)], values: logits }],
    ]),
  };
};

const byBeams: Computing = async (request, settings, processors) => {
  const { model, prompts, starts } = request;
  const { maxNewTokens, stopTokens, numBeams, lengthPenalty, earlyStopping, paddingId = -1 } = settings;
  const found = await beamSearch({
    ...{ model, prompts, maxNewTokens, stopTokens, numBeams, lengthPenalty, earlyStopping, processors },
  });
  const best = found.map((row) => row[0]!);
  const most = Math.max(...best.map(({ tokens }) => tokens.length));
  // The original's filling takes the end token where padding is token 0.
  const filling = stopTokens.length === 0 ? -1 : paddingId || stopTokens[0]!;
  const rows = best.map(({ tokens }, b) => [
    ...starts[b]!,
    ...tokens,
    ...new Array<number>(most - tokens.length).fill(filling),
  ]);
  return {
    outputs: new Map([
      ["sequences", { shape: [rows.length, rows[0]!.length], values: rows.flat() }],
      ["sequences_scores", { shape: [rows.length], values: best.map(({ score }) => score) }],
    ]),
  };
};

async function run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  const settings = settingsOf(pretrained, golden);
  const request = isEncoderDecoder(pretrained.model)
    ? targetRequest(pretrained, golden, settings)
    : textRequest(pretrained, golden);
  try {
    const { vocabSize } = request.model;
    const processors = processorsOf(pretrained, golden, { vocabSize, stopTokens: settings.stopTokens });
    return await (settings.numBeams > 1 ? byBeams : stepByStep)(
      request,
      settings,
      processors.map((processor) => seeingPadding(processor, request)),
    );
  } finally {
    request.dispose();
  }
}

/** Padding of prompts stands on the left; anywhere else a decoder would go on from it. */
function isLeftPadded(mask: GoldenArray): boolean {
  return rowsOf(mask).every((row) => row.at(-1) === 1 && row.every((value, t) => t === 0 || value >= row[t - 1]!));
}

function refuses(isTarget: boolean) {
  return (golden: GoldenCase): string | undefined => {
    const { inputs } = golden;
    const options = optionsOf(golden);
    if (typeof options["max_new_tokens"] !== "number") return "generation without max_new_tokens is not supported";
    const mask = inputs.get("attention_mask");
    if (!isTarget && mask && !isLeftPadded(mask))
      return "generation from prompts that are padded elsewhere than on the left is not supported";
    const names = ["input_ids", "attention_mask", ...(isTarget ? ["decoder_input_ids"] : [])];
    return (
      unknownNames("inputs", inputs.keys(), names) ?? unknownNames("options", Object.keys(options), generationOptions)
    );
  };
}

/** Greedy continuation or beam search of decoder-only models: rows that have ended are filled up with padding. */
export const runGenerate: Runner = { refuses: refuses(false), run };

/** The same of encoder-decoders, from the token that starts a target. */
export const runTargetGenerate: Runner = { refuses: refuses(true), run };
