import { applyOne, expectDType } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { broadcastShapes, sizeOf } from "../shape.ts";
import { broadcastStrides, forEachIndex } from "../strides.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { reshape } from "./reshape.ts";
import { sumTo } from "./sum.ts";

/** Which of the last two axes of each operand are swapped before multiplying. */
export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The sizes of one matrix product: [M, K] x [K, N], repeated over the broadcast batch axes. */
export function matmulSizes(a: Shape, b: Shape, { transposeA, transposeB }: MatmulAttributes) {
  const [M, K] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [KB, N] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  return { M, K, KB, N };
}

function batchShape(a: Shape, b: Shape): number[] {
  try {
    return broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2));
  } catch {
    throw new ShapeError(
      `matmul: b has leading axes that do not fit in shape ${formatShape(b)}, expected ones that broadcast (from a ${formatShape(a)})`,
    );
  }
}

export const matmulPrimitive = definePrimitive<MatmulAttributes>({
  name: "matmul",
  infer([a, b], attributes) {
    expectDType("matmul", { a: a! }, "float32", "float64");
    expectDType("matmul", { b: b! }, a!.dtype);
    for (const [argument, x] of [["a", a!] as const, ["b", b!] as const]) {
      if (x.shape.length < 2)
        throw new ShapeError(
          `matmul: ${argument} has rank ${x.shape.length} in shape ${formatShape(x.shape)}, expected at least 2 axes`,
        );
    }
    const { M, K, KB, N } = matmulSizes(a!.shape, b!.shape, attributes);
    if (K !== KB) {
      throw new ShapeError(
        `matmul: b has inner size ${KB} in shape ${formatShape(b!.shape)}${attributes.transposeB ? " (transposed)" : ""}, expected ${K} (from a ${formatShape(a!.shape)}${attributes.transposeA ? " (transposed)" : ""})`,
      );
    }
    const batch = batchShape(a!.shape, b!.shape);
    return [{ shape: [...batch, M, N], dtype: a!.dtype }];
  },
  reference([a, b], [y], attributes) {
    const { M, K, N } = matmulSizes(a!.shape, b!.shape, attributes);
    const [rowA, colA] = attributes.transposeA ? [1, M] : [K, 1];
    const [rowB, colB] = attributes.transposeB ? [1, K] : [N, 1];
    const batch = y!.shape.slice(0, -2);
    const strides = [a!, b!].map((x) => broadcastStrides(x.shape.slice(0, -2), batch));
    forEachIndex(batch, strides, (i, [batchA, batchB]) => {
      const [baseA, baseB, baseY] = [batchA! * M * K, batchB! * K * N, i * M * N];
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let total = 0;
          for (let k = 0; k < K; k++)
            total += a!.values[baseA + m * rowA + k * colA]! * b!.values[baseB + k * rowB + n * colB]!;
          y!.values[baseY + m * N + n] = total;
        }
      }
    });
  },
  gradient({ inputs: [a, b], outputGradients: [g], attributes: { transposeA, transposeB }, needs }) {
    return [
      needs[0]
        ? sumTo(
            transposeA ? multiplyMatrices(b!, g!, transposeB, true) : multiplyMatrices(g!, b!, false, !transposeB),
            a!.shape,
          )
        : undefined,
      needs[1]
        ? sumTo(
            transposeB ? multiplyMatrices(g!, a!, true, transposeA) : multiplyMatrices(a!, g!, !transposeA, false),
            b!.shape,
          )
        : undefined,
    ];
  },
});

/** A matrix shared by a batch of row-major ones is one product of all their rows: faster, and its gradient needs no sum. */
function multiplyMatrices(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const rowsShareB = b.shape.length === 2 && a.shape.length > 2 && !transposeA;
  if (!rowsShareB) return applyOne(matmulPrimitive, [a, b], { transposeA, transposeB });
  const rows = applyOne(matmulPrimitive, [reshape(a, [sizeOf(a.shape.slice(0, -1)), a.shape.at(-1)!]), b], {
    transposeA,
    transposeB,
  });
  return reshape(rows, [...a.shape.slice(0, -1), rows.shape[1]!]);
}

/**
 * Matrix product over the last two axes; leading axes broadcast.
 *
 * Shapes: a [..., M, K] (or [..., K, M] with transposeA), b [..., K, N] (or [..., N, K] with transposeB) -> [..., M, N].
 * DTypes: float32 or float64, both equal.
 * @throws ShapeError if a rank is below 2, the inner sizes differ, or leading axes do not broadcast
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttributes> = {}): Tensor {
  return multiplyMatrices(a, b, options.transposeA ?? false, options.transposeB ?? false);
}
