/** The operands of a product, the same on every side. */
import { roughNormal, uniformSource } from "../gpt.ts";
import type { MatmulTask } from "../task.ts";

/** A matrix row by row. */
export interface Matrix {
  readonly shape: readonly [number, number];
  readonly values: Float32Array<ArrayBuffer>;
}

function transpose({ shape: [rows, columns], values }: Matrix): Matrix {
  const turned = new Float32Array(values.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[j * rows + i] = values[i * columns + j] as number;
  return { shape: [columns, rows], values: turned };
}

/** A and B as the task stores them; transposed tasks hold the same numbers the other way round. */
export function matmulOperands({ m, k, n, transposeA, transposeB }: MatmulTask): { a: Matrix; b: Matrix } {
  const uniform = uniformSource(3);
  const a: Matrix = { shape: [m, k], values: roughNormal(m * k, 1, uniform) };
  const b: Matrix = { shape: [k, n], values: roughNormal(k * n, 1, uniform) };
  return { a: transposeA ? transpose(a) : a, b: transposeB ? transpose(b) : b };
}

/** A few elements of a product, spread over it. */
export function sampleOfProduct(product: ArrayLike<number>): number[] {
  const samples = 16;
  return Array.from(
    { length: samples },
    (_, i) => product[Math.floor((i * (product.length - 1)) / (samples - 1))] as number,
  );
}
