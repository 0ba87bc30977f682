import type { Mask } from "@heed/attention";
import { createLinear, type Initializer, type Linear } from "@heed/nn";
import { type PlainArrays, stackExamples } from "@heed/objectives";
import { fromArray, type Rng, reshape, slice, type Tensor } from "@heed/tensor";
import { sizes, type TinyModel } from "./tiny-model.ts";

/** An objective as the matrix trains it. */
export interface MatrixObjective {
  /** who sees whom, for people */
  readonly mask: string;
  /** some place must see later ones */
  readonly needsLater: boolean;
  /** later places are hidden from some place */
  readonly hidesLater: boolean;
  /** Its heads, and one batch of its examples. */
  readonly start: (
    weight: Initializer,
    rng: Rng,
  ) => {
    /** what holds the weights of the heads */
    readonly heads: object;
    readonly loss: (model: TinyModel, rng: Rng) => Tensor;
  };
}

/** Rows of a batch. */
export const B = 2;

/** Ids below 4 are special in every objective: padding, class or start, separator or end, mask. */
export const special = { paddingId: 0, classId: 1, separatorId: 2, startId: 1, endId: 2, maskId: 3 } as const;

/** A sentence of a tiny language: counting up in steps that differ from row to row. */
export const sentence = (length: number, row: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => 4 + ((3 * row + i * (1 + (row % 3))) % 8));

/** Values of patches of an image. */
export const image = (numPatches: number, row: number): Float32Array =>
  Float32Array.from({ length: numPatches * sizes.dPatch }, (_, i) => Math.sin(0.7 * i + row));

export const head = (weight: Initializer, dOut: number, dIn: number = sizes.dModel): Linear =>
  createLinear({ dIn, dOut, weight });

/** Plain arrays as tensors with `rows` rows. */
export const rowsOf = (values: Int32Array | Float32Array, rows = B): Tensor =>
  fromArray(values, [rows, values.length / rows]);

/** Values of patches, [B, N, dPatch]. */
export const patchesOf = (values: Float32Array): Tensor =>
  reshape(rowsOf(values), [B, values.length / B / sizes.dPatch, sizes.dPatch]);

/** A batch of what an objective makes of `source(row)`. */
export function batchOf<Source, E extends PlainArrays<E>>(
  objective: { prepare(source: Source, rng: Rng): E },
  source: (row: number) => Source,
  rng: Rng,
): E {
  return stackExamples(Array.from({ length: B }, (_, row) => objective.prepare(source(row), rng)));
}

/** The mask of a batch. */
export const maskOf = <E>(objective: { readonly mask: Mask; maskFor?(example: E): Mask }, example: E): Mask =>
  objective.maskFor?.(example) ?? objective.mask;

/** The state at one place of each row. Shapes: [rows, T, E] -> [rows, E]. */
export function stateAt(states: Tensor, place: number): Tensor {
  const [rows, , E] = states.shape as [number, number, number];
  return reshape(slice(states, [0, place, 0], [rows, 1, E]), [rows, E]);
}
