import {
  CharacterCnn,
  Convolution,
  constantInit,
  createScalarMix,
  Embedding,
  Highway,
  type Initializer,
  Linear,
  LstmCell,
  normalInit,
  reluActivation,
  tanhActivation,
  uniformInit,
  xavierUniformInit,
  zerosInit,
} from "@heed/nn";
import { concatenate, type Rng, scope } from "@heed/tensor";
import { checkConfig } from "./check-config.ts";
import { numElmoCharacters } from "./elmo-characters.ts";
import { Elmo } from "./elmo-model.ts";

/** What an ELMo is. Widths in values, counts of layers, words and characters; rates are probabilities in [0, 1). */
export interface ElmoConfig {
  /** width of a character */
  readonly dCharacter: number;
  /** convolutions over characters: how many characters each sees, and its channels */
  readonly filters: readonly { readonly size: number; readonly dOut: number }[];
  /** default relu */
  readonly activation?: "relu" | "tanh";
  readonly numHighways: number;
  /** P, of a word and of each direction; a representation has twice as many */
  readonly dModel: number;
  /** width of an LSTM's memory */
  readonly dState: number;
  readonly numLayers: number;
  /** bound of the memory; default none */
  readonly cellClip?: number;
  /** bound of an LSTM's output; default none */
  readonly projectionClip?: number;
  /** layers from the second on add what they read to what they give; default true */
  readonly skipConnections?: boolean;
  /** ids of a word, marks included; default 50 */
  readonly maxCharacters?: number;
  /** mixtures of the layers; default 1 */
  readonly numRepresentations?: number;
  /** normalize layers over all words before they are mixed; default false */
  readonly normalizeLayers?: boolean;
  /** words that the language models tell apart; without it they have no head */
  readonly vocabSize?: number;
  /** of what each layer and the head read; default 0 */
  readonly dropout?: number;
  /** of representations; default 0 */
  readonly representationDropout?: number;
}

/** Channels of all convolutions together. */
export const numFilters = ({ filters }: Pick<ElmoConfig, "filters">): number =>
  filters.reduce((total, { dOut }) => total + dOut, 0);

function checkElmoConfig({ filters, ...config }: ElmoConfig): void {
  checkConfig("elmo", config, {
    counts: ["dCharacter", "dModel", "dState", "numLayers"],
    optionalCounts: ["maxCharacters", "vocabSize"],
    optionalWholes: ["numHighways", "numRepresentations"],
    sizes: ["cellClip", "projectionClip"],
    rates: ["dropout", "representationDropout"],
    flags: ["skipConnections", "normalizeLayers"],
    choices: { activation: ["relu", "tanh"] },
  });
  const { maxCharacters = 50 } = config;
  if (maxCharacters < 3)
    throw new RangeError(
      `elmo: maxCharacters is out of range, expected at least 3 for a letter between its marks, got ${maxCharacters}`,
    );
  if (filters.length === 0) throw new RangeError("elmo: filters is empty, expected at least one convolution, got none");
  for (const { size, dOut } of filters)
    if (!(Number.isSafeInteger(size) && size >= 1 && size <= maxCharacters && Number.isSafeInteger(dOut) && dOut >= 1))
      throw new RangeError(
        `elmo: filters has one out of range, expected sizes in 1..${maxCharacters} (maxCharacters) and dOut >= 1, got size ${size}, dOut ${dOut}`,
      );
}

/**
 * ELMo with new weights, as its authors' program draws them: characters uniform in [-1, 1), convolutions uniform in
 * [-0.05, 0.05) (normal with 1 / sqrt(inputs) before tanh), highways, projection and head normal with 1 / sqrt(inputs),
 * highways carrying at first (bias 2), LSTMs after Glorot with forget bias 1. Mixtures start as averages.
 *
 * Shapes: characters int32 [B, T, maxCharacters] -> representations [B, T, 2 dModel].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Peters et al. 2018, Deep contextualized word representations, arXiv:1802.05365; allenai/bilm-tf.
 * @example
 * const model = elmo({ dCharacter: 4, filters: [{ size: 2, dOut: 8 }], numHighways: 1, dModel: 8, dState: 16, numLayers: 2 }, rng(0));
 * const { representations } = model.forward(elmoCharacters([["two", "words"]])); // one of [1, 2, 16]
 */
export function elmo(config: ElmoConfig, rng: Rng | null): Elmo {
  checkElmoConfig(config);
  const { dModel, numLayers, numRepresentations = 1, maxCharacters = 50, vocabSize } = config;
  const N = numFilters(config);
  const normalOf = (inputs: number): Initializer =>
    rng ? normalInit({ std: 1 / Math.sqrt(inputs), rng }) : zerosInit();
  const linear = (dIn: number, dOut: number): Linear => new Linear(normalOf(dIn)([dOut, dIn]), zerosInit()([dOut]));
  const highway = (): Highway =>
    new Highway(linear(N, N), new Linear(normalOf(N)([N, N]), (rng ? constantInit(2) : zerosInit())([N])));
  const cells = (): LstmCell[] => Array.from({ length: numLayers }, () => elmoCell(config, rng));
  const letters = rng ? uniformInit({ limit: 1, rng }) : zerosInit();
  // No character, in the padding of sentences, is zeros: the published files have no row for it.
  const characters = scope(() =>
    concatenate([zerosInit()([1, config.dCharacter]), letters([numElmoCharacters - 1, config.dCharacter])], {
      axis: 0,
    }),
  );
  return new Elmo({
    characters: new Embedding(characters),
    words: new CharacterCnn(
      config.filters.map((filter) => convolution(config, filter, rng)),
      config.activation === "tanh" ? tanhActivation : reluActivation,
    ),
    highways: Array.from({ length: config.numHighways }, highway),
    projection: linear(N, dModel),
    forwardCells: cells(),
    backwardCells: cells(),
    mixes: Array.from({ length: numRepresentations }, () => createScalarMix({ numLayers: numLayers + 1 })),
    head: vocabSize === undefined ? undefined : linear(dModel, vocabSize),
    maxCharacters,
    skipConnections: config.skipConnections,
    normalizeLayers: config.normalizeLayers,
    dropout: config.dropout,
    representationDropout: config.representationDropout,
  });
}

function convolution(
  { dCharacter, activation }: ElmoConfig,
  { size, dOut }: ElmoConfig["filters"][number],
  rng: Rng | null,
): Convolution {
  const draw = (source: Rng): Initializer =>
    activation === "tanh"
      ? normalInit({ std: 1 / Math.sqrt(size * dCharacter), rng: source })
      : uniformInit({ limit: 0.05, rng: source });
  const weight = rng ? draw(rng) : zerosInit();
  return new Convolution(weight([dOut, dCharacter, size]), zerosInit()([dOut]));
}

/** The recurrent layer has the only bias. */
function elmoCell({ dModel, dState, cellClip, projectionClip }: ElmoConfig, rng: Rng | null): LstmCell {
  // One matrix reads input and output of the step before.
  const limit = Math.sqrt(6 / (2 * dModel + 4 * dState));
  const weight = rng ? uniformInit({ limit, rng }) : zerosInit();
  const forget = rng ? constantInit(1) : zerosInit();
  const bias = scope(() =>
    concatenate([zerosInit()([dState]), forget([dState]), zerosInit()([2 * dState])], { axis: 0 }),
  );
  return new LstmCell(
    new Linear(weight([4 * dState, dModel])),
    new Linear(weight([4 * dState, dModel]), bias),
    new Linear((rng ? xavierUniformInit({ rng }) : zerosInit())([dModel, dState])),
    { cellClip: cellClip || undefined, projectionClip: projectionClip || undefined },
  );
}

const filters = [32, 32, 64, 128, 256, 512, 1024].map((dOut, i) => ({ size: i + 1, dOut }));
const sizes = { dCharacter: 16, filters, numLayers: 2, cellClip: 3, projectionClip: 3, dropout: 0.1 };

/**
 * Published sizes. Parameters with one mixture (4), without a head: elmo-original (also of the 5.5 billion words)
 * 93,600,868, elmo-medium 28,027,748, elmo-small 13,593,316; published are 93.6, 28.0 and 13.6 million.
 *
 * @see allennlp.org/elmo, table of models; their options files.
 */
export const elmoPresets = {
  "elmo-original": { ...sizes, numHighways: 2, dModel: 512, dState: 4096 },
  "elmo-medium": { ...sizes, numHighways: 1, dModel: 256, dState: 2048 },
  "elmo-small": { ...sizes, numHighways: 1, dModel: 128, dState: 1024 },
} as const satisfies Readonly<Record<string, ElmoConfig>>;

/** Name of a preset. */
export type ElmoPresetName = keyof typeof elmoPresets;
