import { formatShape, ShapeError } from "./errors.ts";
import type { Shape } from "./types.ts";

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis of shape) size *= axis;
  return size;
}

/** Elements between neighbors along each axis of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Throws unless every size is a whole number >= 0. */
export function checkShape(where: string, shape: Shape): void {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ShapeError(`${where}: shape has a bad size, expected whole numbers >= 0, got ${formatShape(shape)}`);
    }
  }
}

/** The shape that NumPy's broadcasting rule gives: aligned at the last axis, size 1 stretches. */
export function broadcastShapes(where: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const sizeA = a[a.length - i] ?? 1;
    const sizeB = b[b.length - i] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new ShapeError(
        `${where}: b has size ${sizeB} at axis ${-i} in shape ${formatShape(b)}, expected ${sizeA} or 1 (from a ${formatShape(a)})`,
      );
    }
    out[rank - i] = sizeA === 1 ? sizeB : sizeA;
  }
  return out;
}

/** An axis in 0..rank-1 from one that may count from the end. */
export function normalizeAxis(where: string, axis: number, rank: number): number {
  if (rank === 0)
    throw new ShapeError(`${where}: axis ${axis} does not exist, expected a tensor with axes, got a scalar`);
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(
      `${where}: axis is out of range, expected a whole number in ${-rank}..${rank - 1}, got ${axis}`,
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Sorted distinct axes in 0..rank-1; `undefined` means all of them. */
export function normalizeAxes(where: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === "number" ? [axes] : axes;
  const normalized = list.map((axis) => normalizeAxis(where, axis, rank)).sort((x, y) => x - y);
  if (new Set(normalized).size !== normalized.length) {
    throw new ShapeError(`${where}: axes name an axis twice, expected distinct axes, got ${formatShape(list)}`);
  }
  return normalized;
}

type Letters<Pattern extends string> = Pattern extends `${infer Head} ${infer Tail}`
  ? Letters<Head> | Letters<Tail>
  : Pattern extends "..." | "" | `${number}`
    ? never
    : Pattern;

type Bound<Spec> = {
  [Name in keyof Spec]: Spec[Name] extends readonly [unknown, infer P extends string] ? Letters<P> : never;
}[keyof Spec];

/**
 * Binds letters to the sizes of axes, and checks that equal letters have equal sizes.
 *
 * `bindShapes("attention", { q: [q, "B H T D"], k: [k, "B G S D"] })` returns `{ B, H, T, D, G, S }`. A pattern may
 * start with `...` for any number of leading axes; a number in a pattern demands that size.
 *
 * @throws ShapeError naming the function, the argument, what was expected and from where.
 */
export function bindShapes<const Spec extends Readonly<Record<string, readonly [{ readonly shape: Shape }, string]>>>(
  where: string,
  spec: Spec,
): { readonly [Letter in Bound<Spec>]: number } {
  const bound: Record<string, number> = {};
  for (const argument in spec) {
    const [{ shape }, pattern] = spec[argument]!;
    const letters = pattern.split(" ");
    const first = letters[0] === "..." ? 1 : 0;
    const lead = shape.length - letters.length + first;
    if (lead < 0 || (first === 0 && lead > 0)) {
      const named = letters.slice(first);
      throw new ShapeError(
        `${where}: ${argument} has rank ${shape.length} in shape ${formatShape(shape)}, expected ${first ? "at least " : ""}${named.length} ${named.length === 1 ? "axis" : "axes"} [${named.join(", ")}]`,
      );
    }
    for (let i = first; i < letters.length; i++) {
      const letter = letters[i]!;
      const size = shape[lead + i - first]!;
      const demanded = Number(letter);
      const expected = Number.isNaN(demanded) ? (bound[letter] ??= size) : demanded;
      if (expected !== size) {
        throw new ShapeError(
          `${where}: ${argument} has ${letter}=${size} in shape ${formatShape(shape)}, expected ${letter}=${expected} (from ${originOf(letter, spec)})`,
        );
      }
    }
  }
  return bound as { [Letter in Bound<Spec>]: number };
}

/** The argument that bound a letter: the first whose pattern has it. */
function originOf(
  letter: string,
  spec: Readonly<Record<string, readonly [{ readonly shape: Shape }, string]>>,
): string {
  if (!Number.isNaN(Number(letter))) return "the layout";
  const [argument, [{ shape }]] = Object.entries(spec).find(([, [, pattern]]) => pattern.split(" ").includes(letter))!;
  return `${argument} ${formatShape(shape)}`;
}
