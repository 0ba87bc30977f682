import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { GptShape } from "../src/gpt.ts";
import { openNode } from "../src/gpu/hosts.ts";
import { disagreementOf } from "../src/gpu/report.ts";
import type { GpuLibrary, GpuTask } from "../src/gpu/task.ts";

const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
const missing = existsSync(driver) || process.env.VK_ICD_FILENAMES ? undefined : `there is no ${driver}`;
if (missing) console.log(`bench: sides on WebGPU skipped, because ${missing}. Install Debian's package chromium`);

const shape: GptShape = { numLayers: 2, numHeads: 2, dModel: 16, context: 8, vocabSize: 11 };
const peers: readonly GpuLibrary[] = ["heed", "jax", "tfjs"];
const tasks: readonly (readonly [GpuTask, readonly GpuLibrary[]])[] = [
  [{ kind: "matmul", n: 20 }, [...peers, "gpu.js", "gpu.js x4"]],
  [{ kind: "attention", B: 1, H: 2, T: 9, D: 4, gradient: false }, peers],
  [{ kind: "attention", B: 2, H: 2, T: 9, D: 4, gradient: true }, peers],
  [{ kind: "elementwise", elements: 2000 }, peers],
  [{ kind: "dispatch", operations: 5 }, peers],
  [{ kind: "step", shape, batch: 3, losses: 3 }, peers],
  [{ kind: "decode", shape, prompt: 3, tokens: 2 }, peers],
];

test.skipIf(missing && !process.env.CI)(
  "every side computes the same on WebGPU, and launches are counted",
  async () => {
    const host = await openNode();
    try {
      for (const [task, libraries] of tasks) {
        const results = await host.measure({ task, libraries, rounds: 1, seconds: 5, limit: 60 });
        expect(results.map(({ library, problem }) => [library, problem])).toEqual(
          libraries.map((one) => [one, undefined]),
        );
        expect(disagreementOf(results, 1e-3)).toBeUndefined();
        expect(results[0]?.witness.length).toBeGreaterThan(2);
        for (const { counts } of results) {
          expect(counts.launches).toBeGreaterThan(0);
          expect(counts.submissions).toBeGreaterThan(0);
        }
      }
    } finally {
      await host.close();
    }
  },
);
