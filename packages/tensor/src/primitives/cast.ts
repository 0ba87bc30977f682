import { applyOne } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import type { Tensor } from "../tensor.ts";
import type { DType } from "../types.ts";
import { reshape } from "./reshape.ts";

/** Toward zero; NaN is 0, what does not fit is the nearest that does, as WebAssembly converts. */
const toInt32 = (value: number): number => Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);

export const castPrimitive = definePrimitive<{ dtype: DType }>({
  name: "cast",
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype }],
  reference([x], [y], { dtype }) {
    const from = x!.values;
    const to = y!.values;
    for (let i = 0; i < to.length; i++) {
      const value = from[i]!;
      to[i] = dtype === "bool" ? Number(value !== 0) : dtype === "int32" ? toInt32(value) : value;
    }
  },
  gradient: ({ inputs, outputGradients }) => [cast(outputGradients[0]!, inputs[0]!.dtype)],
});

/**
 * Converts to another element type; shares memory if it is the same.
 *
 * Numerics: float to int32 drops the fraction, NaN gives 0, what does not fit gives the nearest that does; to bool is != 0.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? reshape(x, x.shape) : applyOne(castPrimitive, [x], { dtype });
}
