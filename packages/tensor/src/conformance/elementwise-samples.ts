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
  /** also of a size that a backend spreads over threads */
  readonly large?: boolean;
  /** has a finite value and gradient at any finite input */
  readonly far?: boolean;
  /** the special value at which the formula gives NaN and a kernel may give the limit */
  readonly undefinedAt?: number;
}

const farOut: readonly number[] = [1e4, -1e4, 500, -500, 90, -90, 20, -20, 9, -9, 0, 0.25];

/** So many that they pass through the widest loop of a kernel as well as through its end. */
const repeat = (values: readonly number[]): number[] => Array.from({ length: 13 }, () => values).flat();

/** Samples of an elementwise function of one argument. */
export function unarySamples(
  name: string,
  f: (x: Tensor) => Tensor,
  oracle: (x: number) => number,
  { low, high, smooth = true, int32 = false, far = false, large = false, undefinedAt }: UnaryOptions = {},
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
    sample("special values", given(repeat(specials.filter((x) => x !== undefinedAt))), false),
    ...(large ? [sample("[100003]", float(name, [100003], low, high), smooth)] : []),
    ...(far ? [sample("far out", given(farOut), true)] : []),
    ...(int32
      ? [
          sample("int32", given([0, 1, -1, 5, -2147483647, 2147483647, -7], [7], "int32"), false),
          sample("small int32", given([0, 1, -1, 5, -16777216, 16777216, -7], [7], "int32"), false),
        ]
      : []),
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

const largePair = [[3, 33003], [33003]] as const;

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
  const { low, high, smooth = true, onInt32, bool, large = false } = options;
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
  const small = given([0, 1, -1, 7, -13, 4095, -4096, 1234], [8], "int32");
  const integers = given([0, 1, -1, 7, -13, 2147483647, -2147483648, 123456789], [8], "int32");
  return [
    ...(large ? [...pairs, largePair] : pairs).map(([a, b]) =>
      sample(
        `[${a.join(", ")}] with [${b.join(", ")}]`,
        float(`${name} a`, a, low, high),
        float(`${name} b`, b, low, high),
        smooth,
      ),
    ),
    sample("special values", given(specials, [specials.length, 1]), given(specials, [1, specials.length]), false),
    sample(
      "special values of equal shape",
      given(specials.flatMap((a) => specials.map(() => a))),
      given(specials.flatMap(() => specials)),
      false,
    ),
    ...(onInt32
      ? [
          sample("int32", { ...integers, shape: [8, 1] }, integers, false, onInt32),
          sample("small int32", { ...small, shape: [8, 1] }, small, false, onInt32),
        ]
      : []),
    ...(bool ? [sample("bool", bools("a", [5, 1]), bools("b", [7]), false)] : []),
  ];
}
