import { Linear } from "@heed/nn";
import { fromArray, gather, type Tensor } from "@heed/tensor";

/** Parts of an axis, in the given order. */
export function pick(x: Tensor, indices: readonly number[], axis: number): Tensor {
  return gather(x, fromArray(Int32Array.from(indices), [indices.length], { dtype: "int32", backend: x.backend }), {
    axis,
  });
}

/** The rows of each of these heads, `width` rows a head, after `start`. */
export function rowsOfHeads(heads: readonly number[], width: number, start = 0): number[] {
  return heads.flatMap((head) => Array.from({ length: width }, (_, row) => start + head * width + row));
}

/** A linear layer with only some outputs. */
export function keepOutputs({ weight, bias }: Linear, rows: readonly number[]): Linear {
  return new Linear(pick(weight, rows, 0), bias && pick(bias, rows, 0));
}

/** A linear layer with only some inputs. */
export function keepInputs({ weight, bias }: Linear, columns: readonly number[]): Linear {
  return new Linear(pick(weight, columns, 1), bias);
}
