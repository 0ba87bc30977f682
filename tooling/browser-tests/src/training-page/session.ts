import {
  type BatchCursor,
  loadTokenizer,
  randomCrops,
  splitTokens,
  type Tokenizer,
  trainCharacterTokenizer,
} from "@heed/data";
import { type Decoder, gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, cosineSchedule, decayMatricesOnly, type Optimizer } from "@heed/optim";
import { crossEntropy, fromArray, type Rng, rng, scope, type Tensor } from "@heed/tensor";
import { generate, sample } from "@heed/train";
import type { PageSettings } from "./messages.ts";

/** A text ready to train on. */
export interface PageText {
  readonly tokenizer: Tokenizer;
  readonly tokens: Int32Array;
}

/** The parts of a run, on the current backend. */
export interface PageSession {
  readonly model: Decoder;
  readonly optimizer: Optimizer;
  readonly cursor: BatchCursor;
  readonly rng: Rng;
  nextLoss(batch: ReturnType<BatchCursor["next"]>): Tensor;
}

/** Characters of the text as tokens, its last tenth left out as `npm start` does. */
export function prepareText(text: string): PageText {
  const tokenizer = loadTokenizer(trainCharacterTokenizer(text));
  const { train } = splitTokens(tokenizer.encode(text), { validationFraction: 0.1 });
  return { tokenizer, tokens: train };
}

/** The parts that `npm start` builds from the same settings, so that both make the same curve. */
export function createSession(settings: PageSettings, { tokenizer, tokens }: PageText): PageSession {
  const { layers, heads, width, context, batch, steps, lr, seed } = settings;
  const random = rng(seed);
  const initStd = 0.02 * Math.sqrt(768 / width);
  const shape = { dModel: width, numLayers: layers, numHeads: heads, maxSeqLen: context };
  const config = { ...shape, vocabSize: tokenizer.vocabSize, activation: "gelu", bias: false, initStd } as const;
  const model = scope(() => gpt2(config, random.fork(1)));
  const warmupSteps = Math.min(100, Math.floor(steps / 20));
  return {
    model,
    optimizer: adamW({
      parameters: decayMatricesOnly(parameters(model), 0.1),
      learningRate: cosineSchedule({ peak: lr, minimum: lr / 10, warmupSteps, totalSteps: steps }),
      betas: [0.9, 0.99],
    }),
    cursor: randomCrops({ tokens, contextLength: context, batchSize: batch, seed }),
    rng: random.fork(2),
    nextLoss: ({ inputs, targets, B, T }) =>
      crossEntropy(model.forward(fromArray(inputs, [B, T])), fromArray(targets, [B, T])),
  };
}

/** A text that the model makes up, from a line break on. */
export async function sampleText(model: Decoder, tokenizer: Tokenizer, length: number): Promise<string> {
  const made: number[] = [];
  const sampler = sample({ temperature: 0.8 });
  for await (const { tokens } of generate({
    model,
    prompts: [tokenizer.encode("\n")],
    maxNewTokens: length,
    sampler,
  }))
    made.push(tokens[0]!);
  return tokenizer.decode(Int32Array.from(made));
}
