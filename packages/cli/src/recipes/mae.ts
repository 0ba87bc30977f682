import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { imageToPatches, patchesToImage, shuffledExamples } from "@heed/data";
import { type MaeConfig, type MaskedAutoencoder, mae, savePretrained, vit } from "@heed/models";
import { countParameters, loadStateDict, parameters, stateDict } from "@heed/nn";
import { type MaskedAutoencodingExample, maskedAutoencoding, stackExamples } from "@heed/objectives";
import { adamW, cosineSchedule, decayMatricesOnly } from "@heed/optim";
import { dataSync, fromArray, type Rng, rng, scope, type Tensor } from "@heed/tensor";
import { type Digit, digitsFile, grid, moved, readDigits, shuffled, side, summary } from "./digits.ts";
import { runPhase } from "./phase.ts";
import { drawRows } from "./picture.ts";
import type { Kitchen, Recipe } from "./recipe.ts";
import { classify, digitHead, encoderConfig } from "./vit.ts";

const config = {
  ...encoderConfig,
  decoder: { dModel: 32, numLayers: 2, numHeads: 4, dFF: 64 },
  maskRate: 0.75,
} as const satisfies MaeConfig;

const [numPatches, dPatch] = [(side / grid.patchSize) ** 2, grid.patchSize ** 2];
const objective = maskedAutoencoding({ numPatches, dPatch, maskRate: config.maskRate, normalizeTargets: false });

/** What the model makes of the visible patches. */
function rebuild(
  model: MaskedAutoencoder,
  { patches, visible }: MaskedAutoencodingExample,
  rows: number,
  noise?: Rng,
): Tensor {
  const M = visible.length / rows;
  const input = { patches: fromArray(patches, [rows, M, dPatch]), visible: fromArray(visible, [rows, M]) };
  return model.forward(input, { rng: noise });
}

async function pretrain(kitchen: Kitchen, model: MaskedAutoencoder, train: readonly Digit[], steps: number) {
  const { seed } = kitchen;
  const cursor = shuffledExamples({ count: train.length, batchSize: Math.min(128, train.length), seed });
  return runPhase(kitchen, {
    ...{ name: "pretraining", model, cursor, steps, maxGradientNorm: 1 },
    optimizer: adamW({
      parameters: decayMatricesOnly(parameters(model), 0.05),
      learningRate: cosineSchedule({ peak: 3e-3, warmupSteps: Math.ceil(steps / 10), totalSteps: steps }),
      betas: [0.9, 0.95],
    }),
    nextBatch() {
      const places = cursor.next();
      const { epoch, batch } = cursor.state() as { epoch: number; batch: number };
      const draw = rng(seed).fork(epoch * 1000 + batch);
      const examples = Array.from(places, (place) =>
        objective.prepare(imageToPatches(moved(train[place]!.pixels, draw), grid), draw),
      );
      return { example: stackExamples(examples), rows: places.length };
    },
    loss: ({ example, rows }, noise) => objective.loss(rebuild(model, example, rows, noise), example),
    sizeOf: ({ rows }) => rows,
  });
}

/** Mean squared error over hidden pixels of the test images: of the model, and of the mean training image in its place. */
function judge(model: MaskedAutoencoder, { train, test }: { train: readonly Digit[]; test: readonly Digit[] }) {
  const draw = rng(7);
  const example = stackExamples(test.map(({ pixels }) => objective.prepare(imageToPatches(pixels, grid), draw)));
  const predictions = scope(() => dataSync(rebuild(model, example, test.length)));
  const middle = new Float32Array(side * side);
  for (const { pixels } of train) pixels.forEach((value, i) => void (middle[i]! += value / train.length));
  const meanPatches = imageToPatches(middle, grid);
  let [own, mean, count] = [0, 0, 0];
  example.targets.forEach((target, i) => {
    if (example.lossWeights[Math.floor(i / dPatch)] === 0) return;
    own += (predictions[i]! - target) ** 2;
    mean += (meanPatches[i % meanPatches.length]! - target) ** 2;
    count++;
  });
  const perImage = numPatches * dPatch;
  const pictures = test.slice(0, 10).map(({ pixels }, i) => {
    const guessed = Float32Array.from(predictions.slice(i * perImage, (i + 1) * perImage));
    const isHidden = (value: number): boolean => example.lossWeights[i * numPatches + Math.floor(value / dPatch)] === 1;
    const patches = imageToPatches(pixels, grid);
    return {
      original: pixels,
      visible: patchesToImage(
        patches.map((level, j) => (isHidden(j) ? 0 : level)),
        grid,
      ),
      rebuilt: patchesToImage(
        patches.map((level, j) => (isHidden(j) ? guessed[j]! : level)),
        grid,
      ),
    };
  });
  return { error: own / count, errorOfMean: mean / count, pictures };
}

/** `perClass` images of each digit, drawn by the seed. */
function labelled(train: readonly Digit[], perClass: number, seed: number): Digit[] {
  const drawn = shuffled(train.length, rng(seed).fork(2)).map((place) => train[place]!);
  return Array.from({ length: 10 }, (_, digit) =>
    drawn.filter(({ label }) => label === digit).slice(0, perClass),
  ).flat();
}

/** Accuracy with a hundred labels, of encoders that begin with the weights of `pretrained`, or with new ones. */
async function withFewLabels(
  kitchen: Kitchen,
  digits: { train: readonly Digit[]; test: readonly Digit[] },
  pretrained?: MaskedAutoencoder,
) {
  const [steps, numSeeds] = kitchen.smoke ? [4, 1] : [600, 5];
  const found: number[] = [];
  for (let i = 0; i < numSeeds; i++) {
    const seed = kitchen.seed + i;
    const model = vit({ ...encoderConfig, positions: "sinusoidal", heads: digitHead }, rng(seed));
    if (pretrained) loadStateDict(model.vision, stateDict(pretrained.vision));
    const name = `100 labels, ${pretrained ? "pretrained" : "from nothing"}, seed ${seed}`;
    const train = labelled(digits.train, kitchen.smoke ? 2 : 10, seed);
    found.push(await classify(kitchen, { name, model, train, test: digits.test, steps, seed }));
    kitchen.output.line(`${name}: ${found.at(-1)!.toFixed(2)} % of ${digits.test.length} test images`);
  }
  return { accuracy: { ...summary(found) }, runs: found };
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

async function run(kitchen: Kitchen): Promise<JsonObject> {
  const { smoke, seed, out, output } = kitchen;
  const digits = await readDigits(kitchen);
  const model = mae(config, rng(seed));
  const { seconds, steps } = await pretrain(kitchen, model, digits.train, smoke ? 4 : 4000);
  const { error, errorOfMean, pictures } = judge(model, digits);
  output.line(
    `hidden pixels of test images: mean squared error ${error.toFixed(4)}, of the mean image ${errorOfMean.toFixed(4)}`,
  );
  const rows = (["original", "visible", "rebuilt"] as const).map((row) => pictures.map((picture) => picture[row]));
  await writeFile(join(out, "reconstructions.svg"), drawRows(rows, side));
  await savePretrained(nodeFileStore(), out, { modelType: "vit_mae", config, model });
  return {
    parameters: countParameters(model),
    pretraining: { steps, seconds },
    "error of hidden pixels": round(error),
    "error of the mean image": round(errorOfMean),
    "100 labels, pretrained": await withFewLabels(kitchen, digits, model),
    "100 labels, from nothing": await withFewLabels(kitchen, digits),
  };
}

/** A masked autoencoder on digits, and what its encoder is good for. */
export const maeRecipe: Recipe = {
  summary: "digits with a masked autoencoder: what it rebuilds, and how its encoder does with 100 labels",
  files: [digitsFile],
  run,
};
