import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { openBrowserSides } from "../src/browser/open-sides.ts";
import type { GptShape } from "../src/gpt.ts";
import { disagreement, interleave } from "../src/rounds.ts";
import type { SideSpec } from "../src/side.ts";
import type { Library, Task } from "../src/task.ts";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const missing = existsSync(chromium) ? undefined : `there is no ${chromium}`;
if (missing) console.log(`bench: sides in a page skipped, because ${missing}. Install Debian's package chromium`);

const shape: GptShape = { numLayers: 2, numHeads: 2, dModel: 16, context: 8, vocabSize: 11 };

const sides = (task: Task, libraries: readonly [Library, number][]): SideSpec[] =>
  libraries.map(([library, threads]) => ({ label: `${library} ${threads}t`, library, task, threads, iterations: 1 }));

test.skipIf(missing && !process.env.CI)("the sides compute the same in workers of one page", async () => {
  const page = await openBrowserSides();
  try {
    for (const specs of [
      sides({ kind: "step", shape, batch: 3 }, [
        ["heed", 1],
        ["heed", 2],
        ["jax", 1],
        ["jax", 2],
        ["tfjs", 1],
        ["tfjs-tuned", 1],
      ]),
      sides({ kind: "decode", shape, prompt: 5, tokens: 3 }, [
        ["heed", 2],
        ["ort", 2],
      ]),
    ]) {
      const results = await interleave(specs, { rounds: 1, warmUps: 1, open: page.openSide });
      expect(disagreement(results, 1e-3)).toBeUndefined();
      for (const { about, spec, rounds } of results) {
        expect(about["threads"]?.split(",")[0]).toBe(String(spec.threads));
        expect(rounds).toHaveLength(1);
      }
    }
    const ceilings = sides({ kind: "multiply-add" }, [["machine", 2]]);
    const [machine] = await interleave(ceilings, { rounds: 1, warmUps: 0, open: page.openSide });
    expect(machine?.rounds[0]?.[0]).toBeGreaterThan(0);
    await expect(
      page.openSide(
        sides({ kind: "matmul", m: 1, k: 1, n: 1, transposeA: false, transposeB: false }, [["ort", 1]])[0] as SideSpec,
      ),
    ).rejects.toThrow(
      'ort 1t: RangeError: openJob: task is not offered by ort, expected one of its kinds, got "matmul". Leave this peer out with --peers.',
    );
  } finally {
    await page.close();
  }
});
