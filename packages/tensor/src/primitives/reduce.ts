import type { HostView } from "../operation.ts";
import { normalizeAxes, sizeOf, stridesOf } from "../shape.ts";
import { forEachIndex } from "../strides.ts";
import type { Shape } from "../types.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** axes to reduce, negative from the end; default all */
  readonly axes?: number | readonly number[];
  /** leave reduced axes in place with size 1; default false */
  readonly keepDims?: boolean;
}

/** Attributes of a reducing primitive: sorted axes. The output keeps them with size 1; functions reshape after. */
export interface ReduceAttributes {
  readonly axes: readonly number[];
}

export function reduceAttributes(where: string, shape: Shape, { axes }: ReduceOptions): ReduceAttributes {
  return { axes: normalizeAxes(where, axes, shape.length) };
}

/** `shape` with the reduced axes as size 1. */
export function reducedShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** `shape` without the reduced axes. */
export function squeezedShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Visits, for each output element, the group of input elements that it reduces, in row-major order. */
export function forEachGroup(
  x: HostView,
  axes: readonly number[],
  visit: (output: number, values: Float64Array) => void,
): void {
  const outer = reducedShape(x.shape, axes);
  const inner = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const strides = stridesOf(x.shape);
  const group = new Float64Array(sizeOf(inner));
  forEachIndex(outer, [strides], (output, [base]) => {
    forEachIndex(inner, [strides], (i, [offset]) => {
      group[i] = x.values[base! + offset!]!;
    });
    visit(output, group);
  });
}
