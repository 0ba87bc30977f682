import { Buffer } from "node:buffer";
import { expect } from "vitest";
import * as heed from "../../src/index.ts";
import { builds, makeBackend, numbers, sizeOf } from "./harness.ts";

/** An input: its shape and what it holds. */
export interface Input {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Numbers in (-scale, scale). */
export const floats = (seed: number, shape: readonly number[], scale = 2): Input => ({
  shape,
  values: numbers(seed, sizeOf(shape)).map((x) => x * scale),
});

/** Whole numbers in -size .. size. */
export const integers = (seed: number, shape: readonly number[], size = 5): Input => ({
  shape,
  values: Int32Array.from(numbers(seed, sizeOf(shape)), (x) => Math.round(x * size)),
});

export const booleans = (seed: number, shape: readonly number[]): Input => ({
  shape,
  values: Uint8Array.from(numbers(seed, sizeOf(shape)), (x) => Number(x > 0)),
});

type Compute = (...inputs: heed.Tensor[]) => heed.Tensor | readonly heed.Tensor[];

/** Results of a computation, as copies. Inputs begin in the middle of a buffer. Throws where there is no kernel. */
export function compute(backend: heed.Backend, f: Compute, ...inputs: readonly Input[]): heed.TypedArray[] {
  return heed.scope(() => {
    const tensors = inputs.map(({ shape, values }) => {
      const padded = new (values.constructor as Float32ArrayConstructor)(values.length + 3);
      padded.set(values as Float32Array, 3);
      const whole = heed.fromArray(padded, [padded.length], { backend });
      return heed.reshape(heed.slice(whole, [3], [values.length]), shape);
    });
    backend.resetReport();
    const results = f(...tensors);
    const elsewhere = backend.report().filter(({ kernel }) => kernel !== backend.name);
    expect(elsewhere).toEqual([]);
    return (Array.isArray(results) ? (results as heed.Tensor[]) : [results as heed.Tensor]).map((x) =>
      heed.dataSync(x),
    );
  });
}

/** Runs in every build; gives the results of each. */
export function inEveryBuild(f: Compute, ...inputs: readonly Input[]): { build: string; results: heed.TypedArray[] }[] {
  return everyBackend().map(({ name, backend }) => ({ build: name, results: compute(backend, f, ...inputs) }));
}

let backends: { name: string; backend: heed.WasmBackend }[] | undefined;

function everyBackend(): { name: string; backend: heed.WasmBackend }[] {
  backends ??= builds.map(({ name, options }) => ({
    name,
    backend: makeBackend({ ...options, threads: 1, strict: true }),
  }));
  return backends;
}

/** The largest error relative to max(1, |expected|); infinite where only one is NaN or infinities differ. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) {
    const [got, want] = [actual[i] as number, expected[i] as number];
    if (got === want || (Number.isNaN(got) && Number.isNaN(want))) continue;
    const error = Math.abs(got - want) / Math.max(1, Math.abs(want));
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

/** Checks every build against expected values, one list for each result. */
export function expectNear(
  f: Compute,
  inputs: readonly Input[],
  expected: readonly ArrayLike<number>[],
  tolerance: number,
): void {
  for (const { build, results } of inEveryBuild(f, ...inputs)) {
    results.forEach((result, i) => {
      const error = largestError(result, expected[i] as ArrayLike<number>);
      expect(
        error,
        `${build}, result ${i} of shapes ${inputs.map(({ shape }) => `[${shape}]`).join(" ")}`,
      ).toBeLessThanOrEqual(tolerance);
    });
  }
}

/** Checks that one, two and three threads give the same bits, several times over. */
export function expectSameBitsOnThreads(f: Compute, ...inputs: readonly Input[]): void {
  const [first, ...others] = [1, 2, 3, 3].map((threads) => {
    const backend = makeBackend({ threads });
    const results = compute(backend, f, ...inputs).map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
    );
    backend.close();
    return results;
  });
  for (const other of others)
    other.forEach((result, i) => expect(result.equals((first as Buffer[])[i] as Buffer), `result ${i}`).toBe(true));
}

/** Value i of the broadcast of an input to `shape`. */
export function broadcastValue({ shape: own, values }: Input, shape: readonly number[], i: number): number {
  let rest = i;
  let offset = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const position = rest % (shape[axis] as number);
    rest = Math.floor(rest / (shape[axis] as number));
    const size = own[axis - shape.length + own.length];
    if (size === undefined) continue;
    if (size !== 1) offset += position * stride;
    stride *= size;
  }
  return values[offset] as number;
}

/** f over broadcast inputs, elementwise. */
export function elementwise(
  shape: readonly number[],
  inputs: readonly Input[],
  f: (...values: number[]) => number,
): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => f(...inputs.map((input) => broadcastValue(input, shape, i))));
}
