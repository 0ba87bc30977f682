import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { bools, everyIndex, float, given, lengths, type Plain, position, type Sample, specials } from "./sample.ts";

interface UnaryOptions {
  /** range of the random inputs */
  readonly low?: number;
  readonly high?: number;
  /** has a gradient */
  readonly smooth?: boolean;
  readonly int32?: boolean;
}

/** Samples of an elementwise function of one argument. */
export function unarySamples(
  name: string,
  f: (x: Tensor) => Tensor,
  oracle: (x: number) => number,
  { low, high, smooth = true, int32 = false }: UnaryOptions = {},
): Sample[] {
  const sample = (title: string, input: Plain, gradient: boolean): Sample => ({
    name: `${name} ${title}`,
    inputs: [input],
    run: ([x]) => f(x!),
    expected: ([x]) => [x!.map(oracle)],
    gradient,
  });
  return [
    ...lengths.map((length) => sample(`[${length}]`, float(name, [length], low, high), smooth && length > 0)),
    sample("scalar", float(name, [], low, high), smooth),
    sample("[3, 5, 7]", float(name, [3, 5, 7], low, high), smooth),
    sample("special values", given(specials), false),
    ...(int32 ? [sample("int32", given([0, 1, -1, 5, -2147483647, 2147483647, -7], [7], "int32"), false)] : []),
  ];
}

/** erf by Simpson's rule: slow, and nothing like a series or a table. */
export function erfByIntegration(x: number): number {
  if (x !== x) return NaN;
  const end = Math.min(Math.abs(x), 6);
  const steps = 2000;
  const height = (i: number): number =>
    Math.exp(-(((end * i) / steps) ** 2)) * (i === 0 || i === steps ? 1 : i % 2 ? 4 : 2);
  let total = 0;
  for (let i = 0; i <= steps; i++) total += height(i);
  return (Math.sign(x) * (2 / Math.sqrt(Math.PI)) * total * end) / steps / 3;
}

const pairs: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[1], [5]],
  [[0], [1]],
  [
    [3, 0],
    [3, 1],
  ],
  [[129], [129]],
  [[1031], []],
  [[3, 4], [4]],
  [
    [3, 1],
    [1, 4],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [7, 13],
    [7, 13],
  ],
  [[7, 13], [13]],
  [
    [5, 67],
    [5, 1],
  ],
  [[67], [3, 5, 67]],
  [
    [2, 3, 17],
    [2, 1, 17],
  ],
  [[17, 129], [129]],
];

/** The shape that two broadcast to. */
export const shapeOf = (a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, axis: number): number => shape[axis - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => (at(a, axis) === 1 ? at(b, axis) : at(a, axis)));
};

interface BinaryOptions extends UnaryOptions {
  /** the operation on int32; it is not tested on int32 without */
  readonly onInt32?: (a: number, b: number) => number;
  readonly bool?: boolean;
}

/** Samples of an elementwise function of two arguments, with broadcasting. */
export function binarySamples(
  name: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  oracle: (a: number, b: number) => number,
  options: BinaryOptions = {},
): Sample[] {
  const { low, high, smooth = true, onInt32, bool } = options;
  const sample = (title: string, a: Plain, b: Plain, gradient: boolean, formula = oracle): Sample => ({
    name: `${name} ${title}`,
    inputs: [a, b],
    run: ([x, y]) => f(x!, y!),
    expected: ([x, y]) => [
      everyIndex(shapeOf(a.shape, b.shape)).map((index) =>
        formula(x![position(index, a.shape)]!, y![position(index, b.shape)]!),
      ),
    ],
    gradient,
  });
  const integers = given([0, 1, -1, 7, -13, 2147483647, -2147483648, 123456789], [8], "int32");
  return [
    ...pairs.map(([a, b]) =>
      sample(
        `[${a.join(", ")}] with [${b.join(", ")}]`,
        float(`${name} a`, a, low, high),
        float(`${name} b`, b, low, high),
        smooth,
      ),
    ),
    sample("special values", given(specials, [specials.length, 1]), given(specials, [1, specials.length]), false),
    ...(onInt32 ? [sample("int32", { ...integers, shape: [8, 1] }, integers, false, onInt32)] : []),
    ...(bool ? [sample("bool", bools("a", [5, 1]), bools("b", [7]), false)] : []),
  ];
}
