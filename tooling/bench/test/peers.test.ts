import { expect, test } from "vitest";
import type { GptShape } from "../src/gpt.ts";
import { disagreement, interleave, type SideResult } from "../src/rounds.ts";
import type { SideSpec } from "../src/side.ts";
import type { Library, Task } from "../src/task.ts";

const shape: GptShape = { numLayers: 2, numHeads: 2, dModel: 16, context: 8, vocabSize: 11 };
const tolerance = 1e-3;

function sidesOf(task: Task, libraries: readonly [Library, number][]): SideSpec[] {
  return libraries.map(([library, threads]) => ({
    label: `${library} ${threads}t`,
    library,
    task,
    threads,
    iterations: 2,
  }));
}

test("every side trains the same GPT: equal losses over three steps, which fall", async () => {
  const task: Task = { kind: "step", shape, batch: 3 };
  const sides = sidesOf(task, [
    ["heed", 1],
    ["heed", 2],
    ["heed-wide", 1],
    ["jax", 1],
    ["jax", 2],
    ["tfjs", 1],
    ["tfjs-tuned", 1],
  ]);
  const results = await interleave(sides, { rounds: 2, warmUps: 1 });
  expect(disagreement(results, tolerance)).toBeUndefined();
  for (const { witness, rounds } of results) {
    const [first, second, third] = witness as [number, number, number];
    expect(Math.abs(first - Math.log(shape.vocabSize))).toBeLessThan(0.1);
    expect(second).toBeLessThan(first);
    expect(third).toBeLessThan(second);
    expect(rounds.map((round) => round.length)).toEqual([2, 2]);
  }
});

test("ONNX Runtime and heed give the same logits for a prompt and after decoding", async () => {
  for (const task of [
    { kind: "prefill", shape, prompt: 5 },
    { kind: "decode", shape, prompt: 5, tokens: 3 },
  ] satisfies Task[]) {
    const results = await interleave(
      sidesOf(task, [
        ["heed", 1],
        ["ort", 1],
      ]),
      { rounds: 1, warmUps: 1 },
    );
    expect(disagreement(results, tolerance)).toBeUndefined();
    expect(results[0]?.witness).toHaveLength(16);
  }
});

test("every side multiplies the same matrices, whatever way they are stored", async () => {
  const products: SideResult[] = [];
  for (const [transposeA, transposeB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const task: Task = { kind: "matmul", m: 20, k: 7, n: 13, transposeA, transposeB };
    products.push(
      ...(await interleave(
        sidesOf(task, [
          ["heed", 1],
          ["jax", 1],
          ["tfjs", 1],
        ]),
        { rounds: 1, warmUps: 1 },
      )),
    );
  }
  expect(products).toHaveLength(12);
  expect(disagreement(products, tolerance)).toBeUndefined();
});

test("sides that compute different numbers are found out", () => {
  const side = (label: string, witness: readonly number[]): SideResult => ({
    spec: { label, library: "heed", task: { kind: "read" }, threads: 1, iterations: 1 },
    about: {},
    rounds: [],
    cpuOfRuns: [],
    witness,
    idleShare: 0,
    othersCores: 0,
    peakMegabytes: 0,
  });
  expect(disagreement([side("a", [1, 2]), side("b", [1, 2.0001])], tolerance)).toBeUndefined();
  expect(disagreement([side("a", [1, 2]), side("b", [1, 2.01])], tolerance)).toMatchInlineSnapshot(
    `"number 1 is 2.01 at b, 2 at a"`,
  );
  expect(disagreement([side("a", [1, 2]), side("b", [1])], tolerance)).toMatchInlineSnapshot(
    `"b shows 1 numbers, a 2"`,
  );
  expect(disagreement([side("a", [1]), side("b", [Number.NaN])], tolerance)).toMatchInlineSnapshot(
    `"number 0 is NaN at b, 1 at a"`,
  );
});

test("a side that fails says who it was and why", async () => {
  const task: Task = { kind: "decode", shape, prompt: 2, tokens: 1 };
  await expect(interleave(sidesOf(task, [["jax", 1]]), { rounds: 1, warmUps: 1 })).rejects.toThrow(
    'jax 1t: RangeError: openJob: task is not offered by jax, expected one of its kinds, got "decode". Leave this peer out with --peers.',
  );
});
