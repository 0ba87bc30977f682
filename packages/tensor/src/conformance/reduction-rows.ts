import { argmax } from "../primitives/argmax.ts";
import { cumulativeSum } from "../primitives/cumulative-sum.ts";
import { matmul } from "../primitives/matmul.ts";
import { max } from "../primitives/max.ts";
import { min } from "../primitives/min.ts";
import { sum } from "../primitives/sum.ts";
import { topK } from "../primitives/top-k.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { type Plain, type Sample, count, everyIndex, float, given, lengths, position, replaced, specials } from "./sample.ts";

type Reduce = (x: Tensor, options: { axes: readonly number[]; keepDims?: boolean }) => Tensor;

const reductions: readonly (readonly [Shape, readonly number[]])[] = [
  ...lengths.map((length): [Shape, number[]] => [[length], [0]]),
  [[], []],
  [[3, 4, 5], [0]],
  [[3, 4, 5], [1]],
  [[3, 4, 5], [2]],
  [[3, 4, 5], [0, 2]],
  [[3, 4, 5], [0, 1, 2]],
  [[67, 13], [0]],
  [[67, 13], [1]],
  [[5, 1031], [1]],
  [[1031, 5], [0]],
  [[2, 7, 1, 17], [1, 3]],
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

function reduceSamples(name: string, f: Reduce, oracle: (values: number[]) => number, int32Empty: number): Sample[] {
  const sample = (title: string, input: Plain, axes: readonly number[], gradient: boolean): Sample => ({
    name: `${name} ${title}`,
    inputs: [input],
    run: ([x]) => f(x!, { axes }),
    expected: ([x]) => [groups(x!, input.shape, axes).map((group) => (input.dtype === "int32" && group.length === 0 ? int32Empty : oracle(group)))],
    gradient,
  });
  const withSpecials = (value: number): Sample => sample(`with ${value}`, given([1, value, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]), [1], false);
  return [
    ...reductions.map(([shape, axes]) => sample(`[${shape.join(", ")}] over [${axes.join(", ")}]`, float(name, shape), axes, count(shape) > 0)),
    ...specials.map(withSpecials),
    sample("int32", { ...given([5, -3, 2147483647, 1, -2147483648, 7], [2, 3], "int32") }, [1], false),
    sample("int32 over nothing", given([], [2, 0], "int32"), [1], false),
  ];
}

function argmaxSamples(): Sample[] {
  const sample = (title: string, input: Plain, axis: number): Sample => ({
    name: `argmax ${title}`,
    inputs: [input],
    run: ([x]) => argmax(x!, { axis }),
    expected: ([x]) => [groups(x!, input.shape, [axis]).map((group) => (group.some(Number.isNaN) ? group.findIndex(Number.isNaN) : group.indexOf(Math.max(...group))))],
    gradient: false,
  });
  return [
    ...lengths.filter((length) => length > 0).map((length) => sample(`[${length}]`, float("argmax", [length]), 0)),
    sample("[7, 67] over 0", float("argmax", [7, 67]), 0),
    sample("[7, 67] over 1", float("argmax", [7, 67]), 1),
    sample("[3, 5, 17] over 1", float("argmax", [3, 5, 17]), 1),
    sample("of nothing", float("argmax", [0, 4]), 1),
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
          if (counted && !(exclusive && i === index[axis])) total += x![position(replaced(index, axis, i), input.shape)]!;
        }
        return input.dtype === "int32" ? total | 0 : total;
      }),
    ],
    gradient: input.dtype === "float" && count(input.shape) > 0,
    scale: 10,
  });
  const flags = [[false, false], [false, true], [true, false], [true, true]] as const;
  const shapes: readonly (readonly [Shape, number])[] = [[[1], 0], [[17], 0], [[129], 0], [[5, 67], 1], [[67, 5], 0], [[3, 7, 13], 1], [[0, 3], 0], [[3, 0], 0]];
  return [
    ...shapes.flatMap(([shape, axis]) => flags.map(([reverse, exclusive]) => sample(float("cumulativeSum", shape), axis, reverse, exclusive))),
    sample(given([1, 2, 3, 2147483647, 1, 1], [2, 3], "int32"), 1, false, false),
  ];
}

function topKSamples(): Sample[] {
  const sample = (title: string, input: Plain, k: number, axis: number, gradient: boolean): Sample => {
    const { shape } = input;
    const kept = shape.map((size, i) => (i === axis ? 1 : size));
    const ranked = (x: readonly number[]): number[][] =>
      groups(x, shape, [axis]).map((group) => group.map((_, i) => i).sort((i, j) => (group[i]! === group[j]! ? i - j : group[j]! - group[i]!)));
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

function matmulSample(a: Shape, b: Shape, transposeA: boolean, transposeB: boolean): Sample {
  const flip = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  const [shapeA, shapeB] = [transposeA ? flip(a) : a, transposeB ? flip(b) : b];
  const [M, K, N] = [a.at(-2)!, a.at(-1)!, b.at(-1)!];
  const rank = Math.max(a.length, b.length) - 2;
  const batch = Array.from({ length: rank }, (_, i) => {
    const [sizeA, sizeB] = [a[a.length - 2 - rank + i] ?? 1, b[b.length - 2 - rank + i] ?? 1];
    return sizeA === 1 ? sizeB : sizeA;
  });
  const read = (shape: Shape, transposed: boolean) => (lead: readonly number[], i: number, j: number): number => position([...lead, ...(transposed ? [j, i] : [i, j])], [...new Array<number>(rank + 2 - shape.length).fill(1), ...shape]);
  const [atA, atB] = [read(shapeA, transposeA), read(shapeB, transposeB)];
  return {
    name: `matmul [${shapeA.join(", ")}]${transposeA ? "^T" : ""} x [${shapeB.join(", ")}]${transposeB ? "^T" : ""}`,
    inputs: [float("matmul a", shapeA, -1, 1), float("matmul b", shapeB, -1, 1)],
    run: ([x, y]) => matmul(x!, y!, { transposeA, transposeB }),
    expected([x, y]) {
      const out = new Array<number>(count(batch) * M * N).fill(0);
      for (const [n, lead] of everyIndex(batch).entries()) {
        for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) {
          let total = 0;
          for (let k = 0; k < K; k++) total += x![atA(lead, i, k)]! * y![atB(lead, k, j)]!;
          out[(n * M + i) * N + j] = total;
        }
      }
      return [out];
    },
    gradient: count(shapeA) + count(shapeB) > 0,
    scale: Math.sqrt(Math.max(1, K, M, N)),
  };
}

function matmulSamples(): Sample[] {
  const shapes: readonly (readonly [Shape, Shape])[] = [
    [[1, 1], [1, 1]],
    [[2, 3], [3, 4]],
    [[1, 67], [67, 1]],
    [[1, 7], [7, 129]],
    [[5, 7], [7, 3]],
    [[13, 17], [17, 67]],
    [[3, 5, 7], [7, 13]],
    [[3, 5, 7], [3, 7, 2]],
    [[2, 1, 3, 5], [4, 5, 2]],
    [[3, 5], [2, 5, 4]],
    [[2, 3, 17, 5], [2, 3, 5, 17]],
    [[0, 3], [3, 4]],
    [[3, 4], [4, 0]],
    [[0, 2, 3], [3, 4]],
  ];
  const flags = [[false, false], [false, true], [true, false], [true, true]] as const;
  const large: readonly Sample[] = flags.map(([transposeA, transposeB]) => matmulSample([131, 257], [257, 65], transposeA, transposeB));
  const empty: Sample = { ...matmulSample([3, 0], [0, 4], false, false), gradient: false };
  const infinite: Sample = {
    name: "matmul with NaN and infinity",
    inputs: [given([1, NaN, 2, Infinity, 1e4, -1e4], [3, 2]), given([1, 2, 3, 4], [2, 2])],
    run: ([a, b]) => matmul(a!, b!),
    expected: () => [[NaN, NaN, Infinity, Infinity, 1e4 - 3e4, 2e4 - 4e4]],
    gradient: false,
  };
  return [...shapes.flatMap(([a, b]) => flags.map(([transposeA, transposeB]) => matmulSample(a, b, transposeA, transposeB))), ...large, empty, infinite];
}

/** The rows of primitives that reduce or run along axes. */
export const reductionRows = () => ({
  sum: reduceSamples("sum", sum, (values) => values.reduce((total, value) => total + value, 0), 0).map((sample) =>
    sample.name === "sum int32" ? { ...sample, expected: () => [[(5 - 3 + 2147483647) | 0, (1 - 2147483648 + 7) | 0]] } : sample,
  ),
  max: reduceSamples("max", max, (values) => Math.max(...values), -2147483648),
  min: reduceSamples("min", min, (values) => Math.min(...values), 2147483647),
  argmax: argmaxSamples(),
  cumulativeSum: cumulativeSumSamples(),
  topK: topKSamples(),
  matmul: matmulSamples(),
}) satisfies Record<string, Sample[]>;
