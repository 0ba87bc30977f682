import { crc32 } from "@heed/checkpoints";
import { type Batch, type BatchCursor, type Tokenizer, loadTokenizer, randomCrops, sequentialWindows, splitTokens, trainByteTokenizer, trainCharacterTokenizer } from "@heed/data";
import { type Decoder, type Gpt2Config, gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { causalLM } from "@heed/objectives";
import { type Optimizer, adamW, cosineSchedule, decayMatricesOnly } from "@heed/optim";
import { type Rng, type Tensor, crossEntropy, fromArray, rng } from "@heed/tensor";
import { badInput } from "../errors.ts";
import type { TokenizerKind, TunableSettings } from "./settings.ts";

/** A text ready to train on. */
export interface Corpus {
  readonly tokenizer: Tokenizer;
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** The parts of a run that its settings decide. */
export interface Session {
  readonly config: Gpt2Config;
  readonly model: Decoder;
  readonly optimizer: Optimizer;
  readonly cursor: BatchCursor;
  readonly rng: Rng;
  /** mean loss of a batch */
  loss(batch: Batch, rng?: Rng): Tensor;
  /** batches of the validation text in order, at most `most` */
  validationBatches(most: number): Batch[];
}

export const checksumOf = (text: string): string => crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");

/** Trains the tokenizer and splits the text. @throws CliError if the text is too short for the context */
export function prepareCorpus(text: string, kind: TokenizerKind, { context, validation }: TunableSettings): Corpus {
  const tokenizer = loadTokenizer(kind === "byte" ? trainByteTokenizer() : trainCharacterTokenizer(text));
  const tokens = tokenizer.encode(text);
  const least = Math.ceil((context + 1) / Math.min(validation, 1 - validation));
  if (tokens.length < least) {
    throw badInput(`train: the text has ${tokens.length} tokens, expected at least ${least} for --context ${context} with --validation ${validation}. Give more text or a smaller --context`);
  }
  return { tokenizer, ...splitTokens(tokens, { validationFraction: validation }) };
}

/** Builds model, optimizer and cursor; the same settings build the same ones. */
export function createSession(settings: TunableSettings, corpus: Corpus): Session {
  const { layers, heads, width, context, dropout, bias, steps, lr, minLr, warmup, seed } = settings;
  const random = rng(seed);
  const config: Gpt2Config = {
    vocabSize: corpus.tokenizer.vocabSize, maxSeqLen: context, dModel: width, numLayers: layers, numHeads: heads, bias,
    embeddingDropout: dropout, attentionDropout: dropout, residualDropout: dropout,
  };
  const model = gpt2(config, random.fork(1));
  const optimizer = adamW({
    parameters: decayMatricesOnly(parameters(model), settings.weightDecay),
    learningRate: cosineSchedule({ peak: lr, minimum: minLr, warmupSteps: warmup, totalSteps: Math.max(1, steps) }),
    betas: [settings.beta1, settings.beta2],
  });
  const sizes = { contextLength: context, batchSize: settings.batch };
  const objective = causalLM();
  return {
    config,
    model,
    optimizer,
    cursor: randomCrops({ tokens: corpus.train, seed, ...sizes }),
    rng: random.fork(2),
    loss({ inputs, targets, B, T }, dropoutRng) {
      const logits = model.forward(fromArray(inputs, [B, T]), { mask: objective.mask, ...(dropout > 0 && dropoutRng && { rng: dropoutRng }) });
      return crossEntropy(logits, fromArray(targets, [B, T]));
    },
    validationBatches(most) {
      const windows = sequentialWindows({ tokens: corpus.validation, ...sizes });
      const batches: Batch[] = [];
      for (let batch = windows.next(); batch && batches.length < most; batch = windows.next()) batches.push(batch);
      return batches;
    },
  };
}
