import { expect, test } from "vitest";
import { type GpuCase, gpuCases } from "../src/gpu/cases.ts";
import type { GpuSideResult } from "../src/gpu/measure.ts";
import { disagreementOf, gpuCaseReport, gpuMarkdown } from "../src/gpu/report.ts";
import { readGpuArguments } from "../src/gpu/run.ts";
import type { GpuLibrary } from "../src/gpu/task.ts";

const side = (library: GpuLibrary, milliseconds: number[], witness = [1, 2]): GpuSideResult => ({
  library,
  about: { [library]: "1.0" },
  milliseconds,
  firstMilliseconds: 100,
  counts: { launches: 3, submissions: 1 },
  witness,
});

const matmul = gpuCases(true).find(({ name }) => name === "matmul-512") as GpuCase;

test("a case says how fast heed is beside each peer, and beside the better of gpu.js's two ways", () => {
  const results = [side("heed", [10, 12]), side("jax", [8, 12]), side("gpu.js", [90, 90]), side("gpu.js x4", [30, 36])];
  const report = gpuCaseReport(matmul, results, { "multiply-add": 100 });
  expect(report.ratios).toEqual([
    { peer: "jax", byMin: 0.8, byRound: 0.9, wanted: 0.8 },
    { peer: "best of gpu.js", byMin: 3, byRound: 3, wanted: 2 },
  ]);
  // 2 * 512^3 operations in 10 ms.
  expect(report.sides[0]?.rate).toBeCloseTo(26.84, 2);
  expect(report.sides[0]?.ofCeiling).toBeCloseTo(0.2684, 4);
  const page = gpuMarkdown({
    machine: { cpu: "some", cores: 2, memoryGigabytes: 8, node: "v24", load: 0 },
    host: "Chromium 1",
    adapter: { name: "google swiftshader", software: true, limits: {} },
    date: "2026-01-01",
    cases: [report],
  });
  expect(page).toContain("| matmul-512 | 0.80 (0.90, 0.8 reached) |  | 3.00 (3.00, 2 reached) |");
  expect(page).toContain("| matmul-512 | heed | 10.0 | 1.00 | 2 | 26.8 GFLOP/s | 27 % | 3 | 1 |");
});

test("a side that did not run says why, and takes no part in ratios", () => {
  const problem = { ...side("jax", []), problem: "about 90 s a run", witness: [] };
  const report = gpuCaseReport(matmul, [side("heed", [10]), problem], {});
  expect(report.ratios).toEqual([]);
  expect(report.sides[1]).toMatchObject({ library: "jax", problem: "about 90 s a run" });
  expect(report.disagreement).toBeUndefined();
});

test("sides that show other numbers are found out", () => {
  expect(disagreementOf([side("heed", [1], [1, 2]), side("jax", [1], [1, 2.001])], 1e-3)).toBeUndefined();
  expect(disagreementOf([side("heed", [1], [1, 2]), side("jax", [1], [1, 2.1])], 1e-3)).toMatchInlineSnapshot(
    `"number 1 is 2.1 at jax, 2 at heed"`,
  );
  expect(disagreementOf([side("heed", [1], [1]), side("jax", [1], [Number.NaN])], 1e-3)).toMatchInlineSnapshot(
    `"number 0 is NaN at jax, 1 at heed"`,
  );
  expect(disagreementOf([side("heed", [1], [1]), side("jax", [1], [])], 1e-3)).toMatchInlineSnapshot(
    `"jax shows 0 numbers, heed 1"`,
  );
});

test("the cases of the issue are there, in full size on a GPU", () => {
  const task = (name: string) => gpuCases(false).find((one) => one.name === name)?.task;
  expect([512, 1024, 2048, 4096].map((n) => task(`matmul-${n}`))).toEqual(
    [512, 1024, 2048, 4096].map((n) => ({ kind: "matmul", n })),
  );
  expect(task("step-baby")).toMatchObject({
    batch: 64,
    shape: { numLayers: 6, numHeads: 6, dModel: 384, context: 256 },
  });
  expect(task("gpt2-decode")).toMatchObject({ shape: { numLayers: 12, dModel: 768, vocabSize: 50257 } });
});

test("bad input gets one clear sentence", () => {
  expect(() => readGpuArguments(["matmul-513"])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: case is unknown, expected one of copy, multiply-add, elementwise, dispatch, matmul-512, matmul-1024, matmul-2048, matmul-4096, attention, attention-gradient, step-small, step-baby, gpt2-decode, got "matmul-513". Choose one of these.]`,
  );
  expect(() => readGpuArguments(["--limit", "0"])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --limit is not usable, expected a whole number from 1 to 3600, got "0". Give one such number.]`,
  );
  expect(() => readGpuArguments(["--sides", "numpy"])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --sides is unknown, expected one of heed, jax, tfjs, gpu.js, gpu.js x4, adapter, got "numpy". Choose one of these.]`,
  );
});
