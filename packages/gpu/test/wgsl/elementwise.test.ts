import {
  abs,
  add,
  data,
  divide,
  equal,
  fromArray,
  less,
  lessEqual,
  maximum,
  minimum,
  multiply,
  negate,
  reciprocal,
  rsqrt,
  select,
  sign,
  sqrt,
  subtract,
  type Tensor,
  useBackend,
} from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuBackend, type GpuBackend } from "../../src/index.ts";
import { dawn, skip } from "../dawn.ts";

/** Whole numbers in some disorder: sums, products and comparisons of them are exact, and some are equal. */
const numbers = (shape: readonly number[], seed: number): Float32Array =>
  Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => ((i * 7 + seed * 5) % 23) - 11);

/** The element of an operand that belongs to position `at` of the shape, found by walking the axes from the last. */
function elementAt(values: Float32Array, own: readonly number[], shape: readonly number[], at: number): number {
  let [rest, index, stride] = [at, 0, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = own[axis - shape.length + own.length] ?? 1;
    index += ((rest % shape[axis]!) % size) * stride;
    stride *= size;
    rest = Math.floor(rest / shape[axis]!);
  }
  return values[index]!;
}

const binary: Record<string, [(a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number]> = {
  add: [add, (a, b) => a + b],
  subtract: [subtract, (a, b) => a - b],
  multiply: [multiply, (a, b) => a * b],
  divide: [divide, (a, b) => a / b],
  maximum: [maximum, Math.max],
  minimum: [minimum, Math.min],
  equal: [equal, (a, b) => Number(a === b)],
  less: [less, (a, b) => Number(a < b)],
  lessEqual: [lessEqual, (a, b) => Number(a <= b)],
};

const unary: Record<string, [(a: Tensor) => Tensor, (a: number) => number]> = {
  negate: [negate, (a) => -a],
  abs: [abs, Math.abs],
  sign: [sign, Math.sign],
  sqrt: [sqrt, Math.sqrt],
  reciprocal: [reciprocal, (a) => 1 / a],
  rsqrt: [rsqrt, (a) => 1 / Math.sqrt(a)],
};

/** Left, right, result: equal lengths, one for all, rows, columns, both stretched, in fours and not. */
const shapes: [number[], number[], number[]][] = [
  [[67], [67], [67]],
  [[5, 8], [1], [5, 8]],
  [
    [3, 5, 8],
    [5, 8],
    [3, 5, 8],
  ],
  [
    [6, 7],
    [6, 1],
    [6, 7],
  ],
  [
    [6, 8],
    [6, 1],
    [6, 8],
  ],
  [
    [4, 1, 12],
    [1, 3, 12],
    [4, 3, 12],
  ],
  [
    [2, 3, 1, 8],
    [3, 5, 1],
    [2, 3, 5, 8],
  ],
  [
    [7, 1, 3],
    [5, 1],
    [7, 5, 3],
  ],
];

describe.skipIf(skip)("WGSL elementwise", () => {
  let gpu: GpuBackend;
  let before: ReturnType<typeof useBackend>;
  beforeAll(async () => {
    gpu = await createGpuBackend({ prefer: "webgpu", gpu: dawn, strict: true });
    before = useBackend(gpu);
  });
  afterAll(() => {
    if (before) useBackend(before);
    gpu?.destroy();
  });

  test.each(Object.keys(binary).flatMap((op) => shapes.map((shape) => [op, ...shape] as const)))(
    "%s of %j and %j",
    async (op, left, right, shape) => {
      const [run, expected] = binary[op]!;
      const [a, b] = [numbers(left, 1), numbers(right, 2).map((x) => x || 1)];
      const [x, y] = [fromArray(a, left), fromArray(b, right)];
      gpu.resetReport();
      const result = run(x, y);
      expect(gpu.report()).toEqual([{ op, kernel: "webgpu wgsl", calls: 1 }]);
      expect(result.shape).toEqual(shape);
      const found = [...(await data(result))];
      const wanted = found.map((_, i) => expected(elementAt(a, left, shape, i), elementAt(b, right, shape, i)));
      for (const [i, value] of wanted.entries())
        expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value));
    },
  );

  test.each(Object.keys(unary))("%s", async (op) => {
    const [run, expected] = unary[op]!;
    const a = numbers([67], 3).map((x) => (/sqrt|reciprocal/.test(op) ? Math.abs(x) + 1 : x));
    const found = await data(run(fromArray(a, [67])));
    for (const [i, x] of a.entries()) expect(found[i]).toBeCloseTo(expected(x), 6);
  });

  test("NaN is in no order, and maximum and minimum keep it", async () => {
    const [x, y] = [fromArray([Number.NaN, 1, Number.NaN, 2], [4]), fromArray([1, Number.NaN, Number.NaN, 3], [4])];
    expect([...(await data(maximum(x, y)))]).toEqual([Number.NaN, Number.NaN, Number.NaN, 3]);
    expect([...(await data(minimum(x, y)))]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2]);
    for (const compare of [equal, less, lessEqual])
      expect([...(await data(compare(x, y)))].slice(0, 3)).toEqual([0, 0, 0]);
  });

  test("select takes from either side, stretched", async () => {
    const flags = fromArray(Uint8Array.of(1, 0, 1), [3, 1], { dtype: "bool" });
    const chosen = select(flags, fromArray([1, 2, 3, 4], [4]), fromArray([9], [1]));
    expect([...(await data(chosen))]).toEqual([1, 2, 3, 4, 9, 9, 9, 9, 1, 2, 3, 4]);
  });
});
