import type { Backend, Kernel, Operand } from "@heed/tensor";
import { createReferenceBackend, createWasmBackend } from "@heed/tensor";
import type { ConformanceCase } from "@heed/tensor/testing";
import { conformanceCases, ledger } from "@heed/tensor/testing";
import { afterAll, describe, expect, test } from "vitest";

const wasm = (threads: number): Backend | undefined => createWasmBackend({ threads });

const backends: readonly (readonly [string, Backend | undefined])[] = [
  ["reference", createReferenceBackend()],
  ["wasm, 1 thread", wasm(1)],
  ["wasm, 2 threads", wasm(2)],
];

/** Runs cases and collects what fails; what came out of the others goes to `bits`, by name. */
async function failures(cases: readonly ConformanceCase[], bits = new Map<string, number>()): Promise<string[]> {
  const found: string[] = [];
  for (const c of cases) {
    try {
      bits.set(c.name, (await c.run()).bits);
    } catch (error) {
      found.push(error instanceof Error ? error.message : String(error));
    }
  }
  return found;
}

const checksums = new Map<string, Map<string, number>>();

for (const [name, backend] of backends) {
  if (!backend) console.log(`conformance: ${name} skipped, because this engine has no WebAssembly SIMD`);
  const bits = new Map<string, number>();
  checksums.set(name, bits);
  describe.skipIf(!backend)(name, () => {
    const groups = new Map<string, ConformanceCase[]>();
    for (const c of backend ? conformanceCases(backend) : []) {
      const group = `${c.op} ${c.pass}`;
      groups.set(group, [...(groups.get(group) ?? []), c]);
    }
    for (const [group, cases] of groups) {
      test(`${group}: ${cases.length} cases`, async () => {
        expect(await failures(cases, bits)).toEqual([]);
      }, 120_000);
    }
    afterAll(() => (backend as { close?: () => void } | undefined)?.close?.());
  });
}

test.skipIf(!backends[1]![1])("the number of threads changes no bit, forward or backward", () => {
  const [one, two] = [checksums.get("wasm, 1 thread")!, checksums.get("wasm, 2 threads")!];
  expect(one.size).toBeGreaterThan(2500);
  expect(two.size).toBe(one.size);
  expect([...one].filter(([name, bits]) => two.get(name) !== bits).map(([name]) => name)).toEqual([]);
});

/** A backend with one kernel that is wrong in one way. */
function broken(name: string, kernel: Kernel): Backend {
  return { ...createReferenceBackend(), kernels: { [name]: kernel } };
}

const values = (operand: Operand, backend: Backend): Float32Array =>
  backend.hostView!(
    operand.buffer,
    operand.dtype,
    operand.shape.reduce((n, size) => n * size, 1),
  ) as Float32Array;

/** A backend that keeps whole numbers in float32: `onLarge` is called with those that are not exact. */
function rounding(onLarge: (value: number) => number): Backend {
  const backend = createReferenceBackend();
  return {
    ...backend,
    write: (buffer, values) =>
      backend.write(
        buffer,
        values instanceof Int32Array ? values.map((v) => (Math.abs(v) > 2 ** 24 ? onLarge(v) : v)) : values,
      ),
  };
}

describe("a backend whose whole numbers end at 2^24", () => {
  const refuse = (value: number): never => {
    throw new RangeError(`write: ${value} is too large`);
  };
  const failing = async (backend: Backend, declared: boolean): Promise<number> => {
    const cases = conformanceCases(backend, declared ? { largestWholeNumber: 2 ** 24 } : {});
    return (await failures(cases.filter((c) => c.op === "maximum" && c.name.includes("int32")))).length;
  };

  test("may refuse larger ones if it says so", async () => {
    expect(await failing(rounding(refuse), true)).toBe(0);
  });

  test("may not refuse them without saying so", async () => {
    expect(await failing(rounding(refuse), false)).toBe(2);
  });

  test("may not round them", async () => {
    expect(
      await failing(
        rounding(() => 2 ** 24),
        true,
      ),
    ).toBe(2);
  });
});

describe("the suite finds", { timeout: 60_000 }, () => {
  const failing = async (backend: Backend, op: string): Promise<number> =>
    (await failures(conformanceCases(backend).filter((c) => c.op === op))).length;

  test("a small error in one element", async () => {
    const backend: Backend = broken("exp", ([x], [y]) => {
      const to = values(y!, backend);
      values(x!, backend).forEach((value, i) => (to[i] = Math.exp(value) * (i === 66 ? 1.0001 : 1)));
    });
    expect(await failing(backend, "exp")).toBeGreaterThan(0);
  });

  test("a lost NaN", async () => {
    const backend: Backend = broken("abs", ([x], [y]) => {
      if (x!.dtype !== "float32") return false;
      values(x!, backend).forEach((value, i) => (values(y!, backend)[i] = value > 0 ? value : value <= 0 ? -value : 0));
      return true;
    });
    expect(await failing(backend, "abs")).toBeGreaterThan(0);
  });

  test("a wrong backward kernel", async () => {
    const softmax: Kernel = ([x], [y]) => {
      const E = x!.shape.at(-1)!;
      const from = values(x!, backend);
      for (let row = 0; row < from.length; row += E) {
        const powers = from
          .subarray(row, row + E)
          .map((value) => Math.exp(value - Math.max(...from.subarray(row, row + E))));
        values(y!, backend).set(
          powers.map((power) => power / powers.reduce((total, p) => total + p, 0)),
          row,
        );
      }
    };
    const backend: Backend = {
      ...createReferenceBackend(),
      kernels: { softmax, softmaxBackward: ([, g], [dx]) => values(dx!, backend).set(values(g!, backend)) },
    };
    const cases = conformanceCases(backend).filter((c) => c.op === "softmax" && c.pass === "gradient");
    expect(await failures(cases)).not.toEqual([]);
  });

  test("results that differ from run to run", async () => {
    let calls = 0;
    const backend: Backend = broken("floor", ([x], [y]) => {
      calls++;
      values(x!, backend).forEach((value, i) => {
        const whole = Math.floor(value);
        values(y!, backend)[i] = whole === 0 ? (calls % 2 ? 0 : -0) : whole;
      });
    });
    expect(await failing(backend, "floor")).toBe(1);
  });
});

test("ledger", { timeout: 60_000 }, async () => {
  const backend = createReferenceBackend();
  const results = [];
  for (const c of conformanceCases(backend).filter(({ op }) => op === "tanh" || op === "softmax"))
    results.push({ ...(await c.run()), backend: backend.name });
  expect(ledger(results).map(({ op, pass, backend, ran }) => [op, pass, backend, ran])).toEqual([
    ["tanh", "forward", "reference", "reference"],
    ["tanh", "gradient", "reference", "reference"],
    ["softmax", "forward", "reference", "composed"],
    ["softmax", "gradient", "reference", "reference"],
  ]);
});
