import { crc32 } from "@heed/checkpoints";
import {
  type Batch,
  type BatchCursor,
  loadTokenizer,
  randomCrops,
  sequentialWindows,
  splitTokens,
  type Tokenizer,
  trainByteTokenizer,
  trainCharacterTokenizer,
} from "@heed/data";
import { type Decoder, type Gpt2Config, gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, cosineSchedule, decayMatricesOnly, type Optimizer } from "@heed/optim";
import { crossEntropy, fromArray, type Rng, rng, scope, type Tensor } from "@heed/tensor";
import { badInput } from "../errors.ts";
import { expectFits } from "./memory.ts";
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
  /** mean loss of a batch; dropout only with an rng */
  loss(batch: Batch, rng?: Rng): Tensor;
  /** batches of the validation text in order, at most `most` */
  validationBatches(most: number): Batch[];
}

/** CRC-32 of a text in UTF-8, in hexadecimal. */
export const checksumOf = (text: string): string => crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");

/** Trains the tokenizer and splits the text. @throws CliError if the text is too short for the context */
export function prepareCorpus(text: string, kind: TokenizerKind, settings: TunableSettings): Corpus {
  const { context, validation: validationFraction } = settings;
  const tokenizer = loadTokenizer(kind === "byte" ? trainByteTokenizer() : trainCharacterTokenizer(text));
  const tokens = tokenizer.encode(text);
  const { train, validation } = splitTokens(tokens, { validationFraction });
  const refuse = (part: string, length: number, least: number, why: string, advice: string): never => {
    throw badInput(
      `train: the text is too short, expected at least ${least} tokens to ${part} (${why}), got ${length} of ${tokens.length} with --validation ${validationFraction}. Give more text or a ${advice}`,
    );
  };
  if (train.length <= context)
    refuse("train on", train.length, context + 1, `--context ${context} and one to predict`, "smaller --context");
  if (validation.length < 2)
    refuse("validate on", validation.length, 2, "one and one to predict", "larger --validation");
  return { tokenizer, train, validation };
}

function modelConfig(settings: TunableSettings, vocabSize: number): Gpt2Config {
  const { layers, heads, width, context, activation, bias, initStd, dropout } = settings;
  return {
    vocabSize,
    maxSeqLen: context,
    dModel: width,
    numLayers: layers,
    numHeads: heads,
    activation,
    bias,
    initStd,
    embeddingDropout: dropout,
    attentionDropout: dropout,
    residualDropout: dropout,
  };
}

/** Builds model, optimizer and cursor; the same settings build the same ones. @throws CliError if they cannot fit in memory */
export function createSession(settings: TunableSettings, corpus: Corpus): Session {
  const { context, dropout, steps, lr, minLr, warmup, seed, batch } = settings;
  const random = rng(seed);
  const config = modelConfig(settings, corpus.tokenizer.vocabSize);
  expectFits(config, batch);
  const model = scope(() => gpt2(config, random.fork(1)));
  const optimizer = adamW({
    parameters: decayMatricesOnly(parameters(model), settings.weightDecay),
    learningRate: cosineSchedule({ peak: lr, minimum: minLr, warmupSteps: warmup, totalSteps: steps }),
    betas: [settings.beta1, settings.beta2],
  });
  const sizes = { contextLength: context, batchSize: batch };
  return {
    config,
    model,
    optimizer,
    cursor: randomCrops({ tokens: corpus.train, seed, ...sizes }),
    rng: random.fork(2),
    loss({ inputs, targets, B, T }, dropoutRng) {
      const logits = model.forward(fromArray(inputs, [B, T]), dropout > 0 && dropoutRng ? { rng: dropoutRng } : {});
      return crossEntropy(logits, fromArray(targets, [B, T]));
    },
    validationBatches(most) {
      const windows = sequentialWindows({ tokens: corpus.validation, ...sizes });
      const batches: Batch[] = [];
      for (const window of windows) {
        if (batches.length === most) break;
        batches.push(window);
      }
      return batches;
    },
  };
}
