import type { GoldenArray, GoldenCase, GoldenExpectation } from "./golden.ts";
import type { Computed } from "./runners.ts";

/** How one quantity came out. */
export interface Comparison {
  readonly name: string;
  /** largest absolute difference; infinite where a value is not a number or the shape differs */
  readonly error: number;
  readonly tolerance: number;
  readonly passed: boolean;
  /** elements compared */
  readonly compared: number;
  /** what is wrong beside the numbers */
  readonly problem?: string;
}

const product = (shape: readonly number[]): number => shape.reduce((size, axis) => size * axis, 1);

/** Which elements of an expectation count, by flat index. */
function counts({ shape, where }: GoldenExpectation): (index: number) => boolean {
  if (!where) return () => true;
  const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
  return (index) => {
    let place = 0;
    for (const axis of where.axes) place = place * shape[axis]! + (Math.floor(index / strides[axis]!) % shape[axis]!);
    return where.mask.values[place] === where.equals;
  };
}

/** Compares element by element; a shape that differs or nothing to compare is a failure. */
export function compare(name: string, got: GoldenArray | undefined, expected: GoldenExpectation): Comparison {
  const { tolerance } = expected;
  const fail = (problem: string): Comparison => ({
    name,
    error: Number.POSITIVE_INFINITY,
    tolerance,
    passed: false,
    compared: 0,
    problem,
  });
  if (!got) return fail("not computed");
  if (got.shape.join() !== expected.shape.join())
    return fail(`shape [${got.shape.join(", ")}], expected [${expected.shape.join(", ")}]`);
  const isCompared = counts(expected);
  let error = 0;
  let compared = 0;
  for (let i = 0; i < expected.values.length; i++) {
    if (!isCompared(i)) continue;
    compared++;
    const [mine, theirs] = [got.values[i]!, expected.values[i]!];
    const difference = mine === theirs ? 0 : Math.abs(mine - theirs);
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  if (compared === 0) return fail("nothing to compare");
  return { name, error, tolerance, passed: error <= tolerance, compared };
}

/** Compares everything that a case recorded. */
export function compareCase({ outputs, grads, parametersAfter }: Computed, golden: GoldenCase): Comparison[] {
  const compareAll = (
    prefix: string,
    got: ReadonlyMap<string, GoldenArray> = new Map(),
    expected: GoldenCase["outputs"],
  ): Comparison[] => [...expected].map(([key, want]) => compare(prefix + key, got.get(key), want));
  return [
    ...compareAll("", outputs, golden.outputs),
    ...compareAll("grad ", grads, golden.grads),
    ...compareAll("after ", parametersAfter, golden.parametersAfter),
  ];
}
