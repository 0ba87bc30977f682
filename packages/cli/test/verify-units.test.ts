import { existsSync } from "node:fs";
import { join } from "node:path";
import { referenceBackend, useBackend } from "@heed/tensor";
import { goldenRoot } from "@heed/test-tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseBackend } from "../src/backend.ts";
import { compareCase } from "../src/verify/compare.ts";
import { readGolden, readWeights } from "../src/verify/golden.ts";
import { unitRunnerOf } from "../src/verify/units/index.ts";

const fixtures = [
  ...["unit-activations", "unit-additive-attention", "unit-attention", "unit-attention-variants", "unit-losses"],
  ...["unit-norms", "unit-objectives", "unit-optimizers", "unit-positions", "unit-schedules"],
  ...["torch-lstm", "torch-multihead-attention", "torch-transformer-post-ln", "torch-transformer-pre-ln"],
];
const isThere = existsSync(join(goldenRoot(), fixtures[0]!));
if (!isThere) {
  console.log(`verify-units.test.ts: skipped, because there is no ${goldenRoot()}. Set HEED_GOLDEN to the fixtures`);
}

const backends = { reference: () => useBackend(referenceBackend()), default: chooseBackend };

describe.each(Object.keys(backends) as (keyof typeof backends)[])("on the %s backend", (backend) => {
  beforeAll(() => void backends[backend]());
  afterAll(() => void chooseBackend());

  test.runIf(isThere).each(fixtures)("%s: values and gradients of every case", async (fixture) => {
    const recorded = await readGolden(join(goldenRoot(), fixture));
    const runner = unitRunnerOf(recorded.name);
    expect(runner, "a runner").toBeDefined();
    for (const golden of recorded.cases) {
      expect(runner!.refuses(golden), golden.name).toBeUndefined();
      const comparisons = compareCase(await runner!.run(golden, await readWeights(recorded, golden)), golden);
      expect(comparisons.length, golden.name).toBe(golden.outputs.size + golden.grads.size);
      expect(
        comparisons.filter(({ passed }) => !passed),
        golden.name,
      ).toEqual([]);
    }
  });
});
