import { afterAll, expect, test } from "vitest";
import { kernel, makeBackend, numbers, operand, sizeOf, valuesOf } from "./harness.ts";

const backend = makeBackend({ threads: 2 });
afterAll(() => backend.close());

const strides = (shape: readonly number[]) => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
const indexOf = (i: number, shape: readonly number[]) =>
  strides(shape).map((stride, axis) => Math.floor(i / stride) % shape[axis]!);
const at = (index: readonly number[], shape: readonly number[]) =>
  strides(shape).reduce((sum, stride, axis) => sum + stride * index[axis]!, 0);

function permuted(shape: readonly number[], order: readonly number[]): { got: Float32Array; expected: Float32Array } {
  const values = numbers(7, sizeOf(shape));
  const to = order.map((axis) => shape[axis]!);
  const [x, y] = [operand(backend, shape, values), operand(backend, to)];
  expect(kernel(backend, "permute")([x], [y], { order })).not.toBe(false);
  const expected = values.map((_, i) => {
    const index = indexOf(i, to);
    const source = new Array<number>(shape.length);
    order.forEach((axis, place) => (source[axis] = index[place]!));
    return values[at(source, shape)]!;
  });
  const got = valuesOf(backend, y);
  for (const { buffer } of [x, y]) backend.free(buffer);
  return { got, expected };
}

test.each<[readonly number[], readonly number[]]>([
  [
    [130, 67],
    [1, 0],
  ],
  [
    [3, 65, 130],
    [0, 2, 1],
  ],
  [
    [2, 33, 3, 4, 32],
    [2, 0, 3, 1, 4],
  ],
  [
    [4, 8, 128, 32],
    [0, 2, 1, 3],
  ],
  [
    [5, 7, 9],
    [2, 1, 0],
  ],
  [
    [2, 3, 4, 5, 2, 3],
    [5, 3, 1, 0, 2, 4],
  ],
  [
    [300, 300],
    [1, 0],
  ],
  [
    [1, 5, 1],
    [2, 0, 1],
  ],
])("permute %j by %j", (shape, order) => {
  const { got, expected } = permuted(shape, order);
  expect(got).toEqual(expected);
});

test("rows longer and shorter than the inline copy, and rows cut in the middle", () => {
  for (const width of [1, 3, 7, 33, 255, 257, 5000]) {
    const shape = [6, width + 2];
    const values = numbers(3, sizeOf(shape));
    const [x, y] = [operand(backend, shape, values), operand(backend, [4, width])];
    kernel(backend, "slice")([x], [y], { starts: [1, 1], sizes: [4, width] });
    const expected = Float32Array.from(
      { length: 4 * width },
      (_, i) => values[(1 + Math.floor(i / width)) * (width + 2) + 1 + (i % width)]!,
    );
    expect(valuesOf(backend, y)).toEqual(expected);
    for (const { buffer } of [x, y]) backend.free(buffer);
  }
});

test("scatterAdd adds in the order of the indices, whatever the number of threads", () => {
  const [count, size, width] = [3000, 7, 70];
  const indices = Int32Array.from({ length: count }, (_, i) => (i * i) % size);
  const updates = numbers(9, count * width);
  const expected = new Float32Array(size * width);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < width; j++)
      expected[indices[i]! * width + j] = expected[indices[i]! * width + j]! + updates[i * width + j]!;
  const [x, ids, y] = [
    operand(backend, [count, width], updates),
    operand(backend, [count], indices),
    operand(backend, [size, width]),
  ];
  kernel(backend, "scatterAdd")([x, ids], [y], { axis: 0, size });
  expect(valuesOf(backend, y)).toEqual(expected);
  for (const { buffer } of [x, ids, y]) backend.free(buffer);
});
