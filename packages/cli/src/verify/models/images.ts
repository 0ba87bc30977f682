import { fromArray, permute, reshape, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { optionsOf } from "../support.ts";

/** Pixels of a case, [B, C, H, W] there, channels last here: [B, rows, columns, C]. */
export function imagesOf({ name, inputs }: GoldenCase): Tensor {
  const pixels = inputs.get("pixel_values");
  if (pixels?.shape.length !== 4)
    throw badInput(
      `verify: case ${name} has no pixel_values [B, C, H, W], expected images, got ${pixels ? `shape [${pixels.shape.join(", ")}]` : "none"}`,
    );
  return permute(fromArray(Float32Array.from(pixels.values), pixels.shape), [0, 2, 3, 1]);
}

/** Patches [B, N, side side C] as images [B, C, H, W]. */
export function joinPatches(patches: Tensor, [rows, columns]: readonly [number, number], numChannels: number): Tensor {
  const [B, , values] = patches.shape as [number, number, number];
  const side = Math.sqrt(values / numChannels);
  const cut = permute(reshape(patches, [B, rows, columns, side, side, numChannels]), [0, 5, 1, 3, 2, 4]);
  return reshape(cut, [B, numChannels, rows * side, columns * side]);
}

/** What can be read at another size. */
interface Resizable<Model> {
  readonly vision: { readonly imageShape: readonly [number, number, number] };
  resized(size: readonly [number, number]): Model;
}

/** The model, for the size of the images where the case asks to interpolate. */
export function fitted<Model extends Resizable<Model>>(model: Model, images: Tensor, golden: GoldenCase): Model {
  if (optionsOf(golden)["interpolate_pos_encoding"] !== true) return model;
  const [rows, columns] = model.vision.imageShape;
  if (rows !== columns)
    throw badInput(
      `verify: case ${golden.name} interpolates positions of images of ${rows} x ${columns}, expected square ones. The original takes their grid for a square one`,
    );
  const [, height, width] = images.shape as [number, number, number, number];
  return height === rows && width === columns ? model : model.resized([height, width]);
}
