import type { JsonObject } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { shuffledExamples } from "@heed/data";
import { type ImageModel, type Pretrained, savePretrained, type VitConfig, vit } from "@heed/models";
import { countParameters, parameters } from "@heed/nn";
import { adamW, cosineSchedule, decayMatricesOnly } from "@heed/optim";
import { argmax, crossEntropy, dataSync, fromArray, rng, scope } from "@heed/tensor";
import { batchOf, type Digit, digitsFile, moved, readDigits, reordered, shuffled, side, summary } from "./digits.ts";
import { runPhase } from "./phase.ts";
import type { Kitchen, Recipe } from "./recipe.ts";

/** The encoder of all runs; the recipe for masked autoencoding takes it too. */
export const encoderConfig = {
  ...{ imageSize: side, patchSize: 2, numChannels: 1 },
  // Weights of GPT-2 and ViT have a deviation of 0.02 at width 768; a narrow model wants larger ones.
  ...{ dModel: 64, numLayers: 3, numHeads: 4, dFF: 256, initStd: 0.07 },
} as const satisfies VitConfig;

/** The head that tells digits. */
export const digitHead = { classes: { tokens: "first", out: 10 } } as const satisfies VitConfig["heads"];

interface Variant {
  readonly config?: Partial<VitConfig>;
  /** patches stand in another order, the same in all images */
  readonly permuted?: boolean;
}

const variants: Readonly<Record<string, Variant>> = {
  "learned positions": {},
  "no positions": { config: { positions: "none" } },
  "convolutional stem": { config: { stem: "convolutions" } },
  "learned positions, patches permuted": { permuted: true },
};

/** What {@link classify} takes. */
export interface Classification {
  /** of the phase, unique */
  readonly name: string;
  readonly model: ImageModel;
  readonly train: readonly Digit[];
  readonly test: readonly Digit[];
  readonly steps: number;
  readonly seed: number;
  /** how an image is shown to the model; default as it is */
  readonly show?: (pixels: Float32Array) => Float32Array;
}

/** Share of the digits that are told right, in percent. */
export function accuracy(model: ImageModel, digits: readonly Digit[], show = (pixels: Float32Array) => pixels): number {
  const told = scope(() => {
    const { classes } = model.forward(batchOf(digits.map(({ pixels }) => show(pixels))));
    return dataSync(argmax(classes!, { axis: -1 }));
  });
  return (100 * digits.filter(({ label }, i) => label === told[i]).length) / digits.length;
}

/** Trains a classifier on images that are moved a little, and tests it. */
export async function classify(kitchen: Kitchen, { name, model, train, test, steps, seed, show }: Classification) {
  const cursor = shuffledExamples({ count: train.length, batchSize: Math.min(64, train.length), seed });
  const see = show ?? ((pixels: Float32Array) => pixels);
  await runPhase(kitchen, {
    ...{ name, model, cursor, steps, maxGradientNorm: 1 },
    optimizer: adamW({
      parameters: decayMatricesOnly(parameters(model), 0.05),
      learningRate: cosineSchedule({ peak: 2e-3, warmupSteps: Math.ceil(steps / 10), totalSteps: steps }),
    }),
    nextBatch() {
      const places = cursor.next();
      const { epoch, batch } = cursor.state() as { epoch: number; batch: number };
      const draw = rng(seed).fork(epoch * 1000 + batch);
      return Array.from(places, (place) => ({ ...train[place]!, pixels: see(moved(train[place]!.pixels, draw)) }));
    },
    loss: (digits, noise) =>
      crossEntropy(
        model.forward(batchOf(digits.map(({ pixels }) => pixels)), { rng: noise }).classes!,
        fromArray(
          Int32Array.from(digits, ({ label }) => label),
          [digits.length],
        ),
      ),
    sizeOf: (digits) => digits.length,
  });
  return accuracy(model, test, see);
}

const pretrainedOf = (model: ImageModel): Pretrained<"vit"> => ({
  ...{ modelType: "vit", architecture: "ViTForImageClassification" },
  ...{ config: { ...encoderConfig, heads: digitHead }, model },
});

async function run(kitchen: Kitchen): Promise<JsonObject> {
  const { smoke, seed, output } = kitchen;
  const { train, test } = await readDigits(kitchen);
  const [steps, numSeeds] = smoke ? [4, 1] : [1500, 5];
  const order = shuffled((side / 2) ** 2, rng(seed).fork(1));
  const results: Record<string, JsonObject> = {};
  for (const [variant, { config, permuted }] of Object.entries(variants)) {
    const found: number[] = [];
    let size = 0;
    for (let i = 0; i < numSeeds; i++) {
      const model = vit({ ...encoderConfig, ...config, heads: digitHead }, rng(seed + i));
      size = countParameters(model);
      const show = permuted ? (pixels: Float32Array) => reordered(pixels, order) : undefined;
      const name = `${variant}, seed ${seed + i}`;
      found.push(await classify(kitchen, { name, model, train, test, steps, seed: seed + i, ...(show && { show }) }));
      if (i === 0 && variant === "learned positions")
        await savePretrained(nodeFileStore(), kitchen.out, pretrainedOf(model));
      output.line(`${name}: ${found.at(-1)!.toFixed(2)} % of ${test.length} test images`);
    }
    results[variant] = { parameters: size, accuracy: { ...summary(found) }, runs: found };
  }
  return { trainImages: train.length, testImages: test.length, steps, ...results };
}

/** A vision transformer on digits, with what it can do without. */
export const vitRecipe: Recipe = {
  summary: "digits with a vision transformer: with and without positions, a convolutional stem, permuted patches",
  files: [digitsFile],
  run,
};
