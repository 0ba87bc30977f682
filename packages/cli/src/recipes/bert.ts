import { join } from "node:path";
import { formatHuggingFaceJson, type JsonObject, writeFileAtomic } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { type ExampleCursor, lengthBuckets } from "@heed/data";
import { type BertConfig, bert, type EncoderModel, loadPretrained, pooler, savePretrained } from "@heed/models";
import { countParameters, parameters } from "@heed/nn";
import {
  countedPlaces,
  type LabelledPair,
  type LabelledText,
  nextSentencePrediction,
  sentencePair,
  sequenceClassification,
  stackExamples,
  type TextInputs,
  withMaskedLM,
} from "@heed/objectives";
import { adamW, decayMatricesOnly, linearSchedule } from "@heed/optim";
import { argmax, cast, dataSync, fromArray, type Rng, rng, scope, type Tensor } from "@heed/tensor";
import { type BertData, bertFiles, readBertData } from "./bert-data.ts";
import { type PhaseResult, runPhase } from "./phase.ts";
import type { Kitchen, Recipe } from "./recipe.ts";
import { rowsOf } from "./rows.ts";

const [paddingId, classId, separatorId, maskId] = [0, 2, 3, 4];
const specialIds = [0, 1, 2, 3, 4];

interface Sizes {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly numLayers: number;
  /** tokens of one text at most, without special ones */
  readonly maxTokens: number;
  readonly pretraining: {
    readonly steps: number;
    readonly tokensPerBatch: number;
    /** how often a pass over the texts has each pair of the entailment task: what is masked in one sentence stands in the other */
    readonly pairTurns: number;
  };
  /** passes over the training examples */
  readonly epochs: { readonly entailment: number; readonly sentiment: number };
}

const full: Sizes = {
  ...{ vocabSize: 4000, dModel: 128, numLayers: 4, maxTokens: 40 },
  pretraining: { steps: 4000, tokensPerBatch: 2048, pairTurns: 20 },
  epochs: { entailment: 12, sentiment: 2 },
};

const small: Sizes = {
  ...{ vocabSize: 300, dModel: 32, numLayers: 1, maxTokens: 20 },
  pretraining: { steps: 20, tokensPerBatch: 256, pairTurns: 2 },
  epochs: { entailment: 1, sentiment: 1 },
};

function configOf({ dModel, numLayers, maxTokens }: Sizes, vocabSize: number): BertConfig {
  const body = { vocabSize, maxSeqLen: 2 * maxTokens + 3, dModel, numLayers, numHeads: 4, dFF: 4 * dModel, paddingId };
  return {
    ...body,
    ...{ dropout: 0.1, attentionDropout: 0, initStd: 0.02 * Math.sqrt(768 / dModel) },
    heads: {
      words: { tokens: "each", dense: { dOut: dModel, activation: "gelu" }, norm: true, out: "vocabulary" },
      relation: { ...pooler(body), out: 2 },
    },
  };
}

/** What the model finds in rows of text; its words at these places. */
function read(
  model: EncoderModel,
  { inputs, segments, keep }: TextInputs,
  { rows, noise, places }: { readonly rows: number; readonly noise?: Rng | undefined; readonly places?: Tensor },
) {
  const padding = cast(rowsOf(keep, rows), "bool");
  return model.forward(rowsOf(inputs, rows), { segments: rowsOf(segments, rows), padding, rng: noise, places });
}

const optimizerFor = (model: EncoderModel, peak: number, steps: number) =>
  adamW({
    parameters: decayMatricesOnly(parameters(model), 0.01),
    learningRate: linearSchedule({ peak, warmupSteps: Math.ceil(steps / 10), totalSteps: steps }),
    betas: [0.9, 0.98],
  });

/** A pair of sentences of a document, or a sentence alone, to pretrain on. */
type Source = { readonly document: number; readonly sentence: number } | { readonly alone: Int32Array };

function sourcesOf({ documents, numPairs, sentences }: BertData, pairTurns: number) {
  const following = documents.flatMap((lines, document) =>
    lines.slice(0, -1).map((line, sentence) => ({
      source: { document, sentence },
      length: line.length + lines[sentence + 1]!.length + 3,
    })),
  );
  const pairs = following.slice(following.length - numPairs);
  const again = Array.from({ length: pairTurns - 1 }, () => pairs).flat();
  return [...following, ...again, ...sentences.map((alone) => ({ source: { alone }, length: alone.length + 2 }))];
}

/** Cuts the columns that are padding in every row of a batch. */
function cutPadding<E extends TextInputs>(batch: E, rows: number): E {
  const T = batch.keep.length / rows;
  const used = (row: number): number => batch.keep.subarray(row * T, (row + 1) * T).lastIndexOf(1) + 1;
  const longest = Math.max(...Array.from({ length: rows }, (_, row) => used(row)));
  const cut = <A extends Int32Array | Float32Array>(values: A): A =>
    (values.length === rows * T ? values.filter((_, i) => i % T < longest) : values) as A;
  return Object.fromEntries(Object.entries(batch).map(([name, values]) => [name, cut(values)])) as E;
}

/** Next sentences with masked tokens beside, and sentences alone, whose relation does not count. */
function pretrainingBatches(data: BertData, { maxTokens }: Sizes, seed: number) {
  const layout = { length: 2 * maxTokens + 3, classId, separatorId, paddingId };
  const masked = { vocabSize: data.tokenizer.vocabSize, maskId, specialIds };
  const next = withMaskedLM(nextSentencePrediction(layout), masked);
  const alone = withMaskedLM(sequenceClassification({ ...layout, numClasses: 2 }), masked);
  return (sources: readonly Source[], number: number) => {
    const draw = rng(seed).fork(number);
    const examples = sources.map((source) =>
      "alone" in source
        ? alone.prepare({ tokens: source.alone, label: -100 }, draw)
        : next.prepare({ documents: data.documents, ...source }, draw),
    );
    return { example: cutPadding(stackExamples(examples), sources.length), rows: sources.length, objective: next };
  };
}

/** Masked tokens and next sentences. */
async function pretrain(kitchen: Kitchen, data: BertData, sizes: Sizes, model: EncoderModel): Promise<PhaseResult> {
  const { steps, tokensPerBatch, pairTurns } = sizes.pretraining;
  const sources: { source: Source; length: number }[] = sourcesOf(data, pairTurns);
  const cursor = lengthBuckets({ lengths: sources.map(({ length }) => length), tokensPerBatch, seed: kitchen.seed });
  const batchOf = pretrainingBatches(data, sizes, kitchen.seed);
  return runPhase(kitchen, {
    name: "pretraining",
    ...{ model, cursor, steps, maxGradientNorm: 1, optimizer: optimizerFor(model, 1e-3, steps) },
    nextBatch: () => {
      const chosen = Array.from(cursor.next(), (place) => sources[place]!.source);
      const { epoch, batch } = cursor.state() as { epoch: number; batch: number };
      return batchOf(chosen, epoch * 1_000_000 + batch);
    },
    loss: ({ example, rows, objective }, noise) => {
      const counted = countedPlaces(example.maskedWeights);
      const places = fromArray(counted, [counted.length]);
      const { words, relation } = read(model, example, { rows, noise, places });
      return objective.loss({ tokens: words!, other: relation! }, example);
    },
    sizeOf: ({ example }) => example.inputs.length,
  });
}

/** A task: a text, or two, and their class. */
interface Task<Item extends { readonly label: number }> {
  readonly items: { readonly train: readonly Item[]; readonly test: readonly Item[] };
  readonly lengthOf: (item: Item) => number;
  /** the rows of some items, and their loss */
  readonly batchOf: (items: readonly Item[]) => { readonly example: TextInputs; loss(logits: Tensor): Tensor };
  readonly rate: number;
  readonly epochs: number;
}

const layoutFor = (lengths: readonly number[]) => ({ length: Math.max(...lengths), classId, separatorId, paddingId });

const pairLength = ({ first, second }: LabelledPair): number => first.length + second.length + 3;
const textLength = ({ tokens }: LabelledText): number => tokens.length + 2;

const entailmentTask = ({ entailment }: BertData, { epochs }: Sizes): Task<LabelledPair> => ({
  ...{ items: entailment, rate: 4e-4, epochs: epochs.entailment, lengthOf: pairLength },
  batchOf(items) {
    const objective = sentencePair({ ...layoutFor(items.map(pairLength)), numClasses: 3 });
    const example = stackExamples(items.map((item) => objective.prepare(item, rng(0))));
    return { example, loss: (logits) => objective.loss(logits, example) };
  },
});

const sentimentTask = ({ sentiment }: BertData, { epochs }: Sizes): Task<LabelledText> => ({
  ...{ items: sentiment, rate: 4e-4, epochs: epochs.sentiment, lengthOf: textLength },
  batchOf(items) {
    const objective = sequenceClassification({ ...layoutFor(items.map(textLength)), numClasses: 2 });
    const example = stackExamples(items.map((item) => objective.prepare(item, rng(0))));
    return { example, loss: (logits) => objective.loss(logits, example) };
  },
});

/** Share of the items whose class is told right, in percent. */
function accuracy<Item extends { readonly label: number }>(
  model: EncoderModel,
  { lengthOf, batchOf }: Task<Item>,
  items: readonly Item[],
): number {
  const sorted = [...items].sort((a, b) => lengthOf(a) - lengthOf(b));
  let right = 0;
  for (let start = 0; start < sorted.length; start += 128) {
    const some = sorted.slice(start, start + 128);
    const told = scope(() =>
      dataSync(argmax(read(model, batchOf(some).example, { rows: some.length }).classes!, { axis: -1 })),
    );
    right += some.filter(({ label }, i) => label === told[i]).length;
  }
  return (100 * right) / items.length;
}

/** Trains a model with a new head on a task; returns how well it does on the test set. */
async function fineTune<Item extends { readonly label: number }>(
  kitchen: Kitchen,
  task: Task<Item>,
  model: EncoderModel,
  name: string,
) {
  const { items, epochs, rate, lengthOf, batchOf } = task;
  const lengths = items.train.map(lengthOf);
  const cursor: ExampleCursor = lengthBuckets({ lengths, tokensPerBatch: 1024, seed: kitchen.seed });
  const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
  const steps = Math.ceil((epochs * lengths.length * mean) / 1024);
  const result = await runPhase(kitchen, {
    name,
    ...{ model, cursor, steps, maxGradientNorm: 1, optimizer: optimizerFor(model, rate, steps) },
    nextBatch: () => {
      const some = Array.from(cursor.next(), (place) => items.train[place]!);
      return { ...batchOf(some), rows: some.length };
    },
    loss: ({ example, rows, loss }, noise) => loss(read(model, example, { rows, noise }).classes!),
    sizeOf: ({ example }) => example.inputs.length,
  });
  const found = accuracy(model, task, items.test);
  kitchen.output.line(`${name}: ${found.toFixed(2)} % of ${items.test.length} test texts`);
  return { accuracy: Math.round(found * 100) / 100, seconds: result.seconds, steps };
}

async function run(kitchen: Kitchen): Promise<JsonObject> {
  const { out, seed, output } = kitchen;
  const sizes = kitchen.smoke ? small : full;
  const data = await readBertData(kitchen, sizes);
  const config = configOf(sizes, data.tokenizer.vocabSize);
  const model = bert(config, rng(seed));
  const size = countParameters(model);
  output.line(
    `BERT with ${sizes.numLayers} layers, width ${sizes.dModel}: ${size.toLocaleString("en")} parameters; vocabulary ${config.vocabSize}`,
  );
  const pretraining = await pretrain(kitchen, data, sizes, model);
  const store = nodeFileStore();
  const folder = join(out, "pretrained");
  await savePretrained(store, folder, { modelType: "bert", config, model });
  const tokenizer = new TextEncoder().encode(formatHuggingFaceJson(data.file as unknown as JsonObject));
  await writeFileAtomic(store, join(folder, "tokenizer.json"), [tokenizer]);
  const [pair, text] = [entailmentTask(data, sizes), sentimentTask(data, sizes)];
  const pretrained = async (numClasses: number): Promise<EncoderModel> => {
    const classifier = { architecture: "BertForSequenceClassification", config: { num_labels: numClasses } };
    const loaded = await loadPretrained(store, folder, {
      modelType: "bert",
      ...classifier,
      newWeights: rng(seed).fork(1),
    });
    return loaded.model;
  };
  const heads = (numClasses: number) => ({ classes: { ...pooler(config), dropout: 0.1, out: numClasses } });
  const fresh = (numClasses: number): EncoderModel => bert({ ...config, heads: heads(numClasses) }, rng(seed).fork(2));
  const results = {
    "entailment, pretrained": await fineTune(kitchen, pair, await pretrained(3), "entailment, pretrained"),
    "entailment, from nothing": await fineTune(kitchen, pair, fresh(3), "entailment, from nothing"),
    "sentiment, pretrained": await fineTune(kitchen, text, await pretrained(2), "sentiment, pretrained"),
    "sentiment, from nothing": await fineTune(kitchen, text, fresh(2), "sentiment, from nothing"),
  };
  return { parameters: size, pretraining: { ...pretraining, measured: [] }, ...results } as unknown as JsonObject;
}

/** BERT, pretrained on real text and tuned for two tasks, beside the same model tuned from nothing. */
export const bertRecipe: Recipe = {
  summary: "pretraining (MLM and next sentences), then entailment on sick and sentiment on sst2, with and without it",
  files: bertFiles,
  run,
};
