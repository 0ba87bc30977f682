import { imageToPatches, patchesToImage } from "@heed/data";
import { fromArray, type Rng, rng, type Tensor } from "@heed/tensor";
import { badInput } from "../errors.ts";
import { tableOf } from "./data-folder.ts";
import type { Kitchen } from "./recipe.ts";

/** A written digit: 8 x 8 pixels from -1 (white) to 1 (black), and which it is. */
export interface Digit {
  readonly pixels: Float32Array;
  readonly label: number;
}

export const side = 8;
export const digitsFile = "digits/digits.csv.gz";
/** Patches of an image. */
export const grid = { height: side, width: side, numChannels: 1, patchSize: 2 };

/** Images to learn from and to test with, the same ones for every seed. */
export interface Digits {
  readonly train: readonly Digit[];
  readonly test: readonly Digit[];
}

/** Which split: one of many, fixed once. */
const SPLIT = 20;

/**
 * Reads the digits, and puts a fifth of them, drawn once and for all, aside.
 *
 * @throws CliError (bad input) for grey levels outside 0..16 or labels outside 0..9
 */
export async function readDigits({ read, smoke }: Kitchen): Promise<Digits> {
  const names = Array.from({ length: side * side }, (_, i) => `p${i}`);
  const rows = tableOf(await read(digitsFile), ",", [...names, "label"], digitsFile);
  const digits = rows.map((fields, row) => {
    const values = fields.map(Number);
    const [label, grey] = [values.pop()!, values];
    if (!grey.every((level) => level >= 0 && level <= 16) || !(Number.isInteger(label) && label >= 0 && label <= 9))
      throw badInput(
        `train: data file ${digitsFile} has a bad row ${row + 2}, expected grey levels in 0..16 and a label in 0..9`,
      );
    return { pixels: Float32Array.from(grey, (level) => level / 8 - 1), label };
  });
  const order = shuffled(digits.length, rng(SPLIT));
  const numTest = Math.round(digits.length / 5);
  const [test, train] = [order.slice(0, numTest), order.slice(numTest)].map((places) => places.map((i) => digits[i]!));
  return smoke ? { train: train!.slice(0, 64), test: test!.slice(0, 32) } : { train: train!, test: test! };
}

/** Numbers 0 .. count - 1 in a drawn order. */
export function shuffled(count: number, source: Rng): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = source.nextInteger(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The image moved by at most one pixel each way, white behind it: the same digit, another place. */
export function moved(pixels: Float32Array, source: Rng): Float32Array {
  const [down, right] = [source.nextInteger(3) - 1, source.nextInteger(3) - 1];
  return pixels.map((_, i) => {
    const [row, column] = [Math.floor(i / side) - down, (i % side) - right];
    return row < 0 || row >= side || column < 0 || column >= side ? -1 : pixels[row * side + column]!;
  });
}

/** The patches of an image in another order, as an image. */
export function reordered(pixels: Float32Array, order: readonly number[]): Float32Array {
  const patches = imageToPatches(pixels, grid);
  const dPatch = grid.patchSize ** 2;
  const taken = order.flatMap((place) => [...patches.subarray(place * dPatch, (place + 1) * dPatch)]);
  return patchesToImage(Float32Array.from(taken), grid);
}

/** Images as a batch [B, rows, columns, 1]. */
export function batchOf(images: readonly Float32Array[]): Tensor {
  const values = new Float32Array(images.length * side * side);
  images.forEach((pixels, i) => void values.set(pixels, i * side * side));
  return fromArray(values, [images.length, side, side, 1]);
}

/** Mean and standard deviation of several runs, rounded to hundredths. */
export function summary(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  const round = (value: number): number => Math.round(value * 100) / 100;
  return { mean: round(mean), deviation: round(Math.sqrt(variance)) };
}
