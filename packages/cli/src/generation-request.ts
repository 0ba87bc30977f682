import { isTokenizerError, type Tokenizer } from "@heed/data";
import { isDecoder, isEncoderDecoder, type Pretrained } from "@heed/models";
import { fromArray, scope } from "@heed/tensor";
import type { CausalModel } from "@heed/train";
import { badInput, wrongUse } from "./errors.ts";
import { openTokenizer } from "./open-model.ts";
import { startTokens } from "./start-tokens.ts";

/** What a prompt asks of a model: a continuation, or of an encoder-decoder a target. */
export interface GenerationRequest {
  readonly model: CausalModel;
  readonly tokenizer: Tokenizer;
  /** what the model goes on from */
  readonly start: Int32Array;
  /** the tokens of the prompt */
  readonly prompt: Int32Array;
  /** tokens that end a text, as the model's files name them */
  readonly stopTokens: readonly number[];
  /** what a generation option is in the model's files; undefined if they do not have it */
  option(key: string): unknown;
  /** false if the prompt is the source of an encoder-decoder: the text does not begin with it */
  readonly goesOn: boolean;
}

/** A generation option as the folder has it: in generation_config.json, else in config.json; undefined if in neither. */
export const folderOption = ({ origin }: Pretrained, key: string): unknown =>
  origin?.generationConfig?.[key] ?? origin?.config[key] ?? undefined;

function idsOf(pretrained: Pretrained, key: string): number[] {
  return [folderOption(pretrained, key)].flat().filter((id) => typeof id === "number");
}

function encodePrompt(tokenizer: Tokenizer, prompt: string): Int32Array {
  try {
    return tokenizer.encode(prompt);
  } catch (error) {
    if (isTokenizerError(error) && error.code === "text") throw wrongUse(`generate: --prompt: ${error.message}`);
    throw error;
  }
}

function expectFits({ length }: Int32Array, most: number, prompt: string | undefined): void {
  if (length === 0)
    throw wrongUse(
      `generate: --prompt has no tokens, expected at least one, got ${JSON.stringify(prompt)}. Give a text`,
    );
  if (length > most)
    throw wrongUse(
      `generate: --prompt has ${length} tokens, expected at most ${most} (the model's context). Shorten it`,
    );
}

/** @throws CliError if the prompt or the folder does not fit */
export async function requestOf(
  folder: string,
  pretrained: Pretrained,
  text: string | undefined,
): Promise<GenerationRequest> {
  const { model, modelType } = pretrained;
  const stopTokens = idsOf(pretrained, "eos_token_id");
  const option = (key: string): unknown => folderOption(pretrained, key);
  if (isDecoder(model)) {
    const tokenizer = await openTokenizer("generate", folder, model.vocabSize);
    const prompt = text === undefined ? startTokens(tokenizer) : encodePrompt(tokenizer, text);
    expectFits(prompt, model.maxSeqLen, text);
    return { model, tokenizer, start: prompt, prompt, stopTokens, option, goesOn: true };
  }
  if (!isEncoderDecoder(model))
    throw badInput(
      `generate: ${folder} holds a model of type ${modelType}, expected a decoder-only or encoder-decoder language model. Name another folder`,
    );
  if (text === undefined)
    throw wrongUse(`generate: --prompt is missing, expected the source text: ${folder} holds an encoder-decoder`);
  const tokenizer = await openTokenizer("generate", folder, model.encoder.vocabSize);
  const ids = encodePrompt(tokenizer, text);
  expectFits(ids, model.encoder.maxSeqLen, text);
  // Sources were trained with an end token, which not every tokenizer.json puts there.
  const lacksEnd = stopTokens.length > 0 && !stopTokens.some((id) => ids.includes(id));
  const prompt = lacksEnd && ids.length < model.encoder.maxSeqLen ? Int32Array.of(...ids, stopTokens[0]!) : ids;
  const [startId] = idsOf(pretrained, "decoder_start_token_id");
  if (startId === undefined)
    throw badInput(
      `generate: config.json of ${folder} has no decoder_start_token_id, expected a token id: the decoder begins with it. Add it`,
    );
  const decoding = scope(() => model.decoding({ source: fromArray(prompt, [1, prompt.length]) }));
  return { model: decoding, tokenizer, start: Int32Array.of(startId), prompt, stopTokens, option, goesOn: false };
}
