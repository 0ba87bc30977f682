import { type ConformanceCase, conformanceCases } from "@heed/tensor/testing";
import { describe, expect, test } from "vitest";
import { createGpuBackend } from "../src/index.ts";

const backend = await createGpuBackend({ prefer: "cpu" });

// The browsers' modes run the same list in tooling/browser-tests.
describe("gpu.js cpu", () => {
  const groups = new Map<string, ConformanceCase[]>();
  for (const c of conformanceCases(backend, { largestWholeNumber: 2 ** 24 })) {
    const group = `${c.op} ${c.pass}`;
    groups.set(group, [...(groups.get(group) ?? []), c]);
  }
  for (const [group, cases] of groups) {
    test(`${group}: ${cases.length} cases`, async () => {
      const failures: string[] = [];
      const kernels = new Set<string>();
      for (const c of cases) {
        await c
          .run()
          .then((result) => result.kernels.forEach((kernel) => kernels.add(kernel)))
          .catch((error: unknown) => failures.push(`${c.name}: ${error}`));
      }
      expect(failures).toEqual([]);
      expect([...kernels].filter((kernel) => kernel.endsWith(":reference"))).toEqual([]);
    });
  }
});
