import { argmax } from "../primitives/argmax.ts";
import { cumulativeSum } from "../primitives/cumulative-sum.ts";
import { max } from "../primitives/max.ts";
import { min } from "../primitives/min.ts";
import { sum } from "../primitives/sum.ts";
import { topK } from "../primitives/top-k.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { matmulSamples } from "./matmul-rows.ts";
import {
  count,
  everyIndex,
  float,
  given,
  lengths,
  type Plain,
  position,
  replaced,
  type Sample,
  specials,
} from "./sample.ts";

type Reduce = (x: Tensor, options: { axes: readonly number[]; keepDims?: boolean }) => Tensor;

const reductions: readonly (readonly [Shape, readonly number[]])[] = [
  ...lengths.map((length): [Shape, number[]] => [[length], [0]]),
  [[], []],
  [[3, 4, 5], [0]],
  [[3, 4, 5], [1]],
  [[3, 4, 5], [2]],
  [
    [3, 4, 5],
    [0, 2],
  ],
  [
    [3, 4, 5],
    [0, 1, 2],
  ],
  [[67, 13], [0]],
  [[67, 13], [1]],
  [[5, 1031], [1]],
  [[1031, 5], [0]],
  [[100003], [0]],
  [[257, 401], [0]],
  [[257, 401], [1]],
  [
    [2, 7, 1, 17],
    [1, 3],
  ],
  [[0, 3], [0]],
  [[3, 0], [0]],
  [[1, 1], [1]],
];

/** Groups of values that one output element reduces, in row-major order. */
function groups(x: readonly number[], shape: Shape, axes: readonly number[]): number[][] {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const found: number[][] = Array.from({ length: count(kept) }, () => []);
  for (const [i, index] of everyIndex(shape).entries()) found[position(index, kept)]!.push(x[i]!);
  return found;
}

/** `smooth`: up to so many elements no two are so close that a finite difference meets a kink. */
function reduceSamples(
  name: string,
  f: Reduce,
  oracle: (values: number[]) => number,
  int32Empty: number,
  smooth: number,
): Sample[] {
  const sample = (title: string, input: Plain, axes: readonly number[], gradient: boolean): Sample => ({
    name: `${name} ${title}`,
    inputs: [input],
    run: ([x]) => f(x!, { axes }),
    expected: ([x]) => [
      groups(x!, input.shape, axes).map((group) =>
        input.dtype === "int32" && group.length === 0 ? int32Empty : oracle(group),
      ),
    ],
    gradient,
  });
  const withSpecials = (value: number): Sample =>
    sample(`with ${value}`, given([1, value, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]), [1], false);
  return [
    ...reductions.map(([shape, axes]) =>
      sample(
        `[${shape.join(", ")}] over [${axes.join(", ")}]`,
        float(name, shape),
        axes,
        count(shape) > 0 && count(shape) <= smooth,
      ),
    ),
    ...specials.map(withSpecials),
    sample("int32", { ...given([5, -3, 2147483647, 1, -2147483648, 7], [2, 3], "int32") }, [1], false),
    sample("small int32", given([5, -3, 8388607, 1, -16777216, 7], [2, 3], "int32"), [1], false),
    sample("int32 over nothing", given([], [2, 0], "int32"), [1], false),
  ];
}

function argmaxSamples(): Sample[] {
  const sample = (title: string, input: Plain, axis: number): Sample => ({
    name: `argmax ${title}`,
    inputs: [input],
    run: ([x]) => argmax(x!, { axis }),
    expected: ([x]) => [
      groups(x!, input.shape, [axis]).map((group) =>
        group.some(Number.isNaN) ? group.findIndex(Number.isNaN) : group.indexOf(Math.max(...group)),
      ),
    ],
    gradient: false,
  });
  return [
    ...lengths.filter((length) => length > 0).map((length) => sample(`[${length}]`, float("argmax", [length]), 0)),
    sample("[7, 67] over 0", float("argmax", [7, 67]), 0),
    sample("[7, 67] over 1", float("argmax", [7, 67]), 1),
    sample("[3, 5, 17] over 1", float("argmax", [3, 5, 17]), 1),
    sample("of nothing", float("argmax", [0, 4]), 1),
    sample("[257, 401] over 1", float("argmax", [257, 401]), 1),
    sample("ties", given([1, 3, 3, 2, 2, 2, 0, -0, 0], [3, 3]), 1),
    sample("NaN", given([1, NaN, 3, NaN, Infinity, -Infinity, -Infinity, -Infinity, -Infinity], [3, 3]), 1),
    sample("int32", given([1, 3, 3, -5, -2, -2], [2, 3], "int32"), 1),
  ];
}

function cumulativeSumSamples(): Sample[] {
  const sample = (input: Plain, axis: number, reverse: boolean, exclusive: boolean): Sample => ({
    name: `cumulativeSum ${input.dtype} [${input.shape.join(", ")}] over ${axis}${reverse ? " reversed" : ""}${exclusive ? " exclusive" : ""}`,
    inputs: [input],
    run: ([x]) => cumulativeSum(x!, { axis, reverse, exclusive }),
    expected: ([x]) => [
      everyIndex(input.shape).map((index) => {
        let total = 0;
        for (let i = 0; i < input.shape[axis]!; i++) {
          const counted = reverse ? i >= index[axis]! : i <= index[axis]!;
          if (counted && !(exclusive && i === index[axis]))
            total += x![position(replaced(index, axis, i), input.shape)]!;
        }
        return input.dtype === "int32" ? total | 0 : total;
      }),
    ],
    gradient: input.dtype === "float" && count(input.shape) > 0,
    scale: 10,
  });
  const flags = [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const;
  const shapes: readonly (readonly [Shape, number])[] = [
    [[1], 0],
    [[17], 0],
    [[129], 0],
    [[5, 67], 1],
    [[67, 5], 0],
    [[3, 7, 13], 1],
    [[0, 3], 0],
    [[131, 67], 0],
    [[3, 0], 0],
  ];
  return [
    ...shapes.flatMap(([shape, axis]) =>
      flags.map(([reverse, exclusive]) => sample(float("cumulativeSum", shape), axis, reverse, exclusive)),
    ),
    sample(given([1, 2, 3, 2147483647, 1, 1], [2, 3], "int32"), 1, false, false),
    sample(given([1, -2, 3, 16777214, 1, 1], [2, 3], "int32"), 1, false, false),
  ];
}

function topKSamples(): Sample[] {
  const sample = (title: string, input: Plain, k: number, axis: number, gradient: boolean): Sample => {
    const { shape } = input;
    const kept = shape.map((size, i) => (i === axis ? 1 : size));
    const ranked = (x: readonly number[]): number[][] =>
      groups(x, shape, [axis]).map((group) =>
        group.map((_, i) => i).sort((i, j) => (group[i]! === group[j]! ? i - j : group[j]! - group[i]!)),
      );
    const fill = (x: readonly number[], pick: (group: number[], i: number) => number): number[] => {
      const all = groups(x, shape, [axis]);
      const order = ranked(x);
      return everyIndex(replaced(shape, axis, k)).map((index) => {
        const row = position(replaced(index, axis, 0), kept);
        return pick(all[row]!, order[row]![index[axis]!]!);
      });
    };
    return {
      name: `topK ${title}`,
      inputs: [input],
      run([x]) {
        const { values, indices } = topK(x!, k, { axis });
        return [values, indices];
      },
      expected: ([x]) => [fill(x!, (group, i) => group[i]!), fill(x!, (_, i) => i)],
      gradient,
    };
  };
  return [
    sample("[67] 5", float("topK", [67]), 5, 0, true),
    sample("[5, 129] 1", float("topK", [5, 129]), 1, 1, true),
    sample("[3, 7, 5] 7 over 1", float("topK", [3, 7, 5]), 7, 1, true),
    sample("[4, 3] 0", float("topK", [4, 3]), 0, 1, false),
    sample("ties", given([1, 3, 3, 2, -Infinity, 3, Infinity, 1], [1, 8]), 8, 1, false),
  ];
}

/** The rows of primitives that reduce or run along axes. */
export const reductionRows = () =>
  ({
    sum: reduceSamples("sum", sum, (values) => values.reduce((total, value) => total + value, 0), 0, Infinity).map(
      (sample) =>
        sample.name === "sum int32"
          ? { ...sample, expected: () => [[(5 - 3 + 2147483647) | 0, (1 - 2147483648 + 7) | 0]] }
          : sample,
    ),
    max: reduceSamples(
      "max",
      max,
      (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
      -2147483648,
      2000,
    ),
    min: reduceSamples(
      "min",
      min,
      (values) => values.reduce((least, value) => Math.min(least, value), Infinity),
      2147483647,
      2000,
    ),
    argmax: argmaxSamples(),
    cumulativeSum: cumulativeSumSamples(),
    topK: topKSamples(),
    matmul: matmulSamples(),
  }) satisfies Record<string, Sample[]>;
