import { broadcastStrides } from "../../../strides.ts";
import type { Shape } from "../../../types.ts";

/** Elements per chunk of elementwise kernels; the same in wasm/strided.ts. */
export const CHUNK = 16384;
/** Most axes of a table; the same in wasm/strided.ts. */
const MOST_AXES = 8;

/** An axis of a loop: its size, and the elements between neighbors in each operand. */
export interface LoopAxis {
  size: number;
  readonly strides: readonly number[];
}

/** Joins neighboring axes that every operand walks as one, and drops those of size 1. There is always an innermost axis. */
export function collapseAxes(shape: Shape, strides: readonly (readonly number[])[]): LoopAxis[] {
  const axes: LoopAxis[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const own = strides.map((stride) => stride[axis]!);
    const outer = axes.at(-1);
    if (outer?.strides.every((stride, i) => stride === own[i]! * size))
      axes[axes.length - 1] = { size: outer.size * size, strides: own };
    else axes.push({ size, strides: own });
  }
  return axes.length > 0 ? axes : [{ size: 1, strides: strides.map(() => 0) }];
}

/** The loop over a broadcast result, as its kernels want it. */
export interface RowPlan {
  /** length of the innermost axis */
  readonly inner: number;
  /** for each operand, 1 if it advances along the innermost axis, 0 if it is repeated */
  readonly steps: readonly number[];
  /** the number of outer axes, then their table */
  readonly table: readonly number[];
}

/**
 * How to walk operands that are broadcast to `shape`; `bytes` of an element of each. Undefined if that takes too many axes.
 */
export function planRows(shape: Shape, operands: readonly Shape[], bytes: readonly number[]): RowPlan | undefined {
  const axes = collapseAxes(
    shape,
    operands.map((operand) => broadcastStrides(operand, shape)),
  );
  const { size, strides } = axes.pop()!;
  if (axes.length > MOST_AXES) return undefined;
  const table = axes.flatMap((axis) => [axis.size, ...[0, 1, 2].map((i) => (axis.strides[i] ?? 0) * (bytes[i] ?? 0))]);
  return { inner: size, steps: strides, table: [axes.length, ...table] };
}
