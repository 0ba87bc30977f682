import { join } from "node:path";
import { formatHuggingFaceJson, type JsonObject, writeFileAtomic } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { lengthBuckets, loadTokenizer, type Tokenizer, type TokenizerFile, trainBytePairTokenizer } from "@heed/data";
import {
  type BartConfig,
  bart,
  type EncoderDecoder,
  savePretrained,
  type TransformerConfig,
  transformer,
} from "@heed/models";
import { countParameters, parameters, stateDict } from "@heed/nn";
import { type EncoderDecoderExample, seq2seq, stackExamples, type TextPair } from "@heed/objectives";
import { adamW, noamSchedule } from "@heed/optim";
import { assign, cast, dispose, item, type Rng, rng, scope, type Tensor } from "@heed/tensor";
import { beamSearch, bleu } from "@heed/train";
import { badInput } from "../errors.ts";
import { linesOf } from "./data-folder.ts";
import { runPhase } from "./phase.ts";
import type { Kitchen, Recipe } from "./recipe.ts";
import { rowsOf } from "./rows.ts";

/** Sizes of a run. */
interface Sizes {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly dFF: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly steps: number;
  readonly warmupSteps: number;
  /** of the learning rate */
  readonly factor: number;
  /** rows of a batch times tokens of its longest text */
  readonly tokensPerBatch: number;
  /** pairs to train on, validate on and test on, at most */
  readonly pairs: readonly [number, number, number];
}

/** Chosen so that an hour on two cores is enough; wider or deeper models learn the few pairs by heart. */
const full: Sizes = {
  ...{ vocabSize: 8000, dModel: 256, dFF: 512, numLayers: 3, numHeads: 8, dropout: 0.1 },
  ...{ steps: 3000, warmupSteps: 1000, factor: 0.5, tokensPerBatch: 2048 },
  pairs: [29_000, 1014, 1000],
};

const small: Sizes = {
  ...{ vocabSize: 330, dModel: 32, dFF: 64, numLayers: 1, numHeads: 4, dropout: 0 },
  ...{ steps: 60, warmupSteps: 20, factor: 1, tokensPerBatch: 256 },
  pairs: [200, 20, 8],
};

const special = ["<pad>", "</s>"] as const;
const [paddingId, endId] = [0, 1];
const maxSeqLen = 256;

interface Texts {
  readonly sources: string[];
  readonly targets: string[];
}

async function readPairs({ read }: Kitchen, part: string, most: number): Promise<Texts> {
  const [sources, targets] = [
    linesOf(await read(`multi30k/${part}.en.gz`)),
    linesOf(await read(`multi30k/${part}.de.gz`)),
  ];
  if (sources.length !== targets.length)
    throw badInput(
      `train: multi30k/${part} has ${sources.length} English and ${targets.length} German lines, expected as many. Check --data`,
    );
  return { sources: sources.slice(0, most), targets: targets.slice(0, most) };
}

const encodePairs = (tokenizer: Tokenizer, { sources, targets }: Texts): TextPair[] =>
  sources.map((source, i) => ({ source: tokenizer.encode(source), target: tokenizer.encode(targets[i]!) }));

/** Loss of pairs, padded to the longest of them. */
function objectiveFor(pairs: readonly TextPair[], labelSmoothing: number) {
  const longest = (part: keyof TextPair): number => Math.max(...pairs.map((pair) => pair[part].length)) + 1;
  const [sourceLength, targetLength] = [longest("source"), longest("target")];
  return seq2seq({ sourceLength, targetLength, startId: paddingId, endId, paddingId, labelSmoothing });
}

interface PairBatch {
  readonly example: EncoderDecoderExample;
  readonly rows: number;
  readonly loss: (logits: Tensor) => Tensor;
}

function batchOf(pairs: readonly TextPair[], labelSmoothing: number): PairBatch {
  const objective = objectiveFor(pairs, labelSmoothing);
  const unused = rng(0);
  const example = stackExamples(pairs.map((pair) => objective.prepare(pair, unused)));
  return { example, rows: pairs.length, loss: (logits) => objective.loss(logits, example) };
}

function lossOf(model: EncoderDecoder, { example, rows, loss }: PairBatch, noise?: Rng): Tensor {
  const { inputs, keep, decoderInputs } = example;
  const pair = { source: rowsOf(inputs, rows), target: rowsOf(decoderInputs, rows) };
  return loss(model.forward(pair, { sourcePadding: cast(rowsOf(keep, rows), "bool"), rng: noise }));
}

/** Mean loss of a token without smoothing, in nats. */
function validationLoss(model: EncoderDecoder, pairs: readonly TextPair[]): number {
  let [sum, count] = [0, 0];
  for (let start = 0; start < pairs.length; start += 64) {
    const batch = batchOf(pairs.slice(start, start + 64), 0);
    const tokens = batch.example.lossWeights.reduce((total, weight) => total + weight, 0);
    sum += tokens * scope(() => item(lossOf(model, batch)));
    count += tokens;
  }
  return sum / count;
}

/** What each source becomes, by beam search. Sentences of about the same length are translated together. */
async function translate(
  model: EncoderDecoder,
  tokenizer: Tokenizer,
  sources: readonly Int32Array[],
  numBeams: number,
): Promise<string[]> {
  const order = sources.map((_, i) => i).sort((a, b) => sources[a]!.length - sources[b]!.length);
  const texts = new Array<string>(sources.length);
  const rows = 32;
  for (let start = 0; start < order.length; start += rows) {
    const places = order.slice(start, start + rows);
    const found = await searchBatch(
      model,
      places.map((place) => sources[place]!),
      numBeams,
    );
    places.forEach((place, row) => {
      texts[place] = tokenizer.decode(found[row]!.filter((id) => id !== endId && id !== paddingId)).trim();
    });
  }
  return texts;
}

/** The best translation of each source, at most half as long again and ten tokens more. */
async function searchBatch(model: EncoderDecoder, sources: readonly Int32Array[], numBeams: number) {
  const S = Math.max(...sources.map(({ length }) => length));
  const [ids, keep] = [new Int32Array(sources.length * S), new Int32Array(sources.length * S)];
  sources.forEach((source, b) => {
    ids.set(source, b * S);
    keep.fill(1, b * S, b * S + source.length);
  });
  const decoding = scope(() =>
    model.decoding({
      source: rowsOf(ids, sources.length),
      sourcePadding: cast(rowsOf(keep, sources.length), "bool"),
    }),
  );
  try {
    const found = await beamSearch({
      ...{ model: decoding, numBeams, stopTokens: [endId], maxNewTokens: Math.ceil(1.5 * S) + 10 },
      prompts: sources.map(() => Int32Array.of(paddingId)),
    });
    return found.map(([best]) => best!.tokens);
  } finally {
    decoding.dispose();
  }
}

/** The paper's model, with positions and biases as Marian has them, in whose layout it is saved. */
const configOf = (sizes: Sizes, vocabSize: number): TransformerConfig => ({
  ...{
    vocabSize,
    maxSeqLen,
    dModel: sizes.dModel,
    dFF: sizes.dFF,
    numLayers: sizes.numLayers,
    numHeads: sizes.numHeads,
  },
  ...{ dropout: sizes.dropout, attentionBias: true, sinusoids: "concatenated", layerNormEpsilon: 1e-5 },
});

/** Writes the model as a Marian folder with its tokenizer: Python opens both. */
async function save(
  { out }: Kitchen,
  { file, model, config }: { file: TokenizerFile; model: EncoderDecoder; config: TransformerConfig },
): Promise<void> {
  const { vocabSize, dModel, numLayers, numHeads, dFF = 4 * dModel, dropout = 0 } = config;
  const stack = { numLayers, numHeads, dFF };
  const layout: BartConfig = {
    ...{ vocabSize, maxSeqLen, dModel, encoder: stack, decoder: stack, dropout, paddingId },
    ...{ activation: "relu", positions: "sinusoidal", embeddingNorm: false, scaleEmbedding: true },
  };
  const marian = bart(layout, null);
  const learned = stateDict(model);
  scope(() => {
    for (const [name, tensor] of stateDict(marian)) {
      const from = learned.get(name);
      if (from) assign(tensor, from);
    }
  });
  const ids = { decoder_start_token_id: paddingId, eos_token_id: endId, pad_token_id: paddingId };
  const store = nodeFileStore();
  await savePretrained(store, out, { modelType: "marian", config: layout, model: marian }, { config: ids });
  const text = formatHuggingFaceJson(file as unknown as JsonObject);
  await writeFileAtomic(store, join(out, "tokenizer.json"), [new TextEncoder().encode(text)]);
  dispose(marian);
}

const round = (value: number): number => Math.round(value * 100) / 100;

async function run(kitchen: Kitchen): Promise<JsonObject> {
  const { output, seed } = kitchen;
  const sizes = kitchen.smoke ? small : full;
  const [training, validation, test] = await Promise.all(
    ["train", "val", "test_2016_flickr"].map((part, i) => readPairs(kitchen, part, sizes.pairs[i]!)),
  );
  const file = await trainBytePairTokenizer([...training!.sources, ...training!.targets], {
    vocabSize: sizes.vocabSize,
    specialTokens: special,
    addPrefixSpace: true,
  });
  const tokenizer = loadTokenizer(file);
  const config = configOf(sizes, tokenizer.vocabSize);
  const model = transformer(config, rng(seed));
  output.line(
    `encoder-decoder with ${sizes.numLayers} layers each, width ${sizes.dModel}: ${countParameters(model).toLocaleString("en")} parameters; vocabulary ${tokenizer.vocabSize}`,
  );
  const pairs = encodePairs(tokenizer, training!);
  const lengths = pairs.map(({ source, target }) => Math.max(source.length, target.length) + 1);
  const cursor = lengthBuckets({ lengths, tokensPerBatch: sizes.tokensPerBatch, seed });
  const held = encodePairs(tokenizer, validation!);
  const learned = await runPhase(kitchen, {
    name: "translate",
    ...{ model, cursor, steps: sizes.steps, maxGradientNorm: 1 },
    optimizer: adamW({
      parameters: parameters(model),
      learningRate: noamSchedule({ dModel: sizes.dModel, warmupSteps: sizes.warmupSteps, factor: sizes.factor }),
      ...{ betas: [0.9, 0.98], epsilon: 1e-9, weightDecay: 0 },
    }),
    nextBatch: () =>
      batchOf(
        Array.from(cursor.next(), (place) => pairs[place]!),
        0.1,
      ),
    loss: (batch, noise) => lossOf(model, batch, noise),
    sizeOf: ({ example }) => example.lossWeights.reduce((total, weight) => total + weight, 0),
    evaluate: { every: Math.ceil(sizes.steps / 20), run: async () => validationLoss(model, held) },
  });
  const sources = encodePairs(tokenizer, test!).map(({ source }) => Int32Array.of(...source, endId));
  const scores: Record<string, number> = {};
  let translations: string[] = [];
  for (const beams of [1, 5]) {
    translations = await translate(model, tokenizer, sources, beams);
    scores[`bleu, ${beams === 1 ? "greedy" : `${beams} beams`}`] = round(bleu(translations, test!.targets).score);
  }
  const examples = [0, 1, 2].map((i) => ({
    source: test!.sources[i]!,
    translation: translations[i]!,
    reference: test!.targets[i]!,
  }));
  await save(kitchen, { file, model, config });
  for (const { source, translation, reference } of examples)
    output.line(`  ${source}\n    ${translation}\n    (${reference})`);
  return { ...learned, parameters: countParameters(model), ...scores, examples } as unknown as JsonObject;
}

/** English to German with the original encoder-decoder. */
export const translation: Recipe = {
  summary: "English to German on multi30k with the original encoder-decoder; BLEU on test_2016_flickr",
  files: ["train", "val", "test_2016_flickr"].flatMap((part) => [`multi30k/${part}.en.gz`, `multi30k/${part}.de.gz`]),
  run,
};
