import { fromArray, type Tensor } from "@heed/tensor";

/** A batch kept as one row of numbers after another: [rows, length]. */
export const rowsOf = (values: Int32Array, rows: number): Tensor => fromArray(values, [rows, values.length / rows]);
