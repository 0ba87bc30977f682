import { isMaskedAutoencoder, type MaeConfig, type MaskedAutoencoder, type Pretrained } from "@heed/models";
import { maskedAutoencoding } from "@heed/objectives";
import { fromArray, rng, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { observerOf } from "./encoder.ts";
import { fitted, imagesOf } from "./images.ts";
import { patchesOf } from "./patches.ts";

/** Which patches are read: those with the least noise. */
interface Choice {
  /** [B, M], by noise */
  readonly visible: Int32Array;
  readonly numVisible: number;
  /** 1 for each hidden patch */
  readonly hidden: Float32Array;
  /** each patch's rank by noise */
  readonly ranks: Int32Array;
}

function choose({ shape, values }: GoldenArray, maskRate: number): Choice {
  const [B, N] = shape as [number, number];
  const numVisible = Math.floor(N * (1 - maskRate));
  const [visible, hidden, ranks] = [new Int32Array(B * numVisible), new Float32Array(B * N), new Int32Array(B * N)];
  for (let b = 0; b < B; b++) {
    const order = Array.from({ length: N }, (_, i) => i).sort((i, j) => values[b * N + i]! - values[b * N + j]!);
    for (const [rank, patch] of order.entries()) {
      ranks[b * N + patch] = rank;
      if (rank < numVisible) visible[b * numVisible + rank] = patch;
      else hidden[b * N + patch] = 1;
    }
  }
  return { visible, numVisible, hidden, ranks };
}

/** What a case gives a masked autoencoder. */
interface MaeCall extends Choice {
  readonly model: MaskedAutoencoder;
  readonly config: MaeConfig;
  readonly patches: Tensor;
  readonly places: Tensor;
  readonly all: Float32Array;
}

function callOf({ model: whole, modelType, config }: Pretrained, golden: GoldenCase, watch: Watch): MaeCall {
  if (!isMaskedAutoencoder(whole))
    throw badInput(`verify: model_type ${modelType} is no masked autoencoder, expected one for this case`);
  const images = imagesOf(golden);
  const model = fitted(whole, images, golden);
  const { imageShape, numPatches, patchSize } = model.vision;
  const B = images.shape[0]!;
  if (images.shape.slice(1).join() !== imageShape.join())
    throw badInput(
      `verify: pixel_values of case ${golden.name} are [${images.shape.slice(1).join(", ")}] with channels last, expected [${imageShape.join(", ")}] (from config.json)`,
    );
  const noise = golden.inputs.get("noise");
  if (noise?.shape.join() !== [B, numPatches].join())
    throw badInput(
      `verify: case ${golden.name} has no noise [${B}, ${numPatches}], expected some to choose patches by. Without it they are random`,
    );
  const { maskRate = 0.75 } = config as MaeConfig;
  const choice = choose(noise, maskRate);
  const all = patchesOf(images, patchSize);
  const dPatch = all.length / (B * numPatches);
  const read = new Float32Array(choice.visible.length * dPatch);
  choice.visible.forEach((patch, i) => {
    const at = (Math.floor(i / choice.numVisible) * numPatches + patch) * dPatch;
    read.set(all.subarray(at, at + dPatch), i * dPatch);
  });
  watch("mask", fromArray(choice.hidden, [B, numPatches]));
  watch("ids_restore", fromArray(choice.ranks, [B, numPatches], { dtype: "int32" }));
  return {
    ...choice,
    ...{ model, all, config: config as MaeConfig },
    patches: fromArray(read, [B, choice.numVisible, dPatch]),
    places: fromArray(choice.visible, [B, choice.numVisible], { dtype: "int32" }),
  };
}

function pretraining(pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor {
  const { model, config, patches, places, all, visible, hidden } = callOf(pretrained, golden, watch);
  const input = { patches, visible: places };
  const predictions = model.forward(input, { observe: observerOf(golden, watch) });
  watch("logits", predictions);
  const [, N, dPatch] = predictions.shape as [number, number, number];
  const { maskRate = 0.75, normalizeTargets = false } = config;
  const objective = maskedAutoencoding({ numPatches: N, dPatch, maskRate, normalizeTargets });
  const targets = new Float32Array(all.length);
  for (let at = 0; at < all.length; at += N * dPatch)
    targets.set(objective.prepare(all.subarray(at, at + N * dPatch), rng(0)).targets, at);
  return objective.loss(predictions, { patches: all, visible, targets, lossWeights: hidden });
}

function states(pretrained: Pretrained, golden: GoldenCase, watch: Watch): undefined {
  const { model, patches, places } = callOf(pretrained, golden, watch);
  const observe = observerOf(golden, watch);
  watch("last_hidden_state", model.encode({ patches, visible: places }, { observe }));
}

const call = { inputs: ["pixel_values", "noise"], options: ["interpolate_pos_encoding"] };

/** Runners of masked autoencoders, by class. */
export const maskedAutoencoders: Readonly<Record<string, { readonly forward: Runner }>> = {
  ViTMAEForPreTraining: { forward: forwardRunner({ ...call, compute: pretraining }) },
  ViTMAEModel: { forward: forwardRunner({ ...call, compute: states }) },
};
