import { beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "../src/bundle.ts";
import { missingBrowser, mustRun } from "../src/chromium.ts";
import { countDeviceObjects, type DeviceCount, loseDevice } from "../src/hooks.ts";
import { npmStart, type StartedRun } from "../src/npm-start.ts";
import { strictPolicy } from "../src/server.ts";
import { mainThreadScripts, traceTasks } from "../src/trace.ts";
import type { Answer, PageSettings } from "../src/training-page/messages.ts";
import { type OpenOptions, type OpenPage, openTrainingPage, trainingPageFiles } from "../src/training-page.ts";

const missing = missingBrowser();
if (missing) {
  console.log(`browser-tests: training in a page skipped, because ${missing}`);
  test.runIf(mustRun)("there is a browser", () => expect(missing).toBeUndefined());
}

const small = { layers: 2, heads: 4, width: 64, context: 32, batch: 8, steps: 40 };
/** For software adapters. */
const tiny = { layers: 1, heads: 2, width: 32, context: 16, batch: 4, steps: 24 };

type StepAnswer = Extract<Answer, { type: "step" }>;
const stepsOf = (answers: readonly Answer[]): StepAnswer[] => answers.filter((answer) => answer.type === "step");
const lossesOf = (answers: readonly Answer[]): number[] => stepsOf(answers).map(({ loss }) => loss);

/** The one answer of a type; fails with what the worker said if it failed. */
function only<T extends Answer["type"]>(answers: readonly Answer[], type: T): Extract<Answer, { type: T }> {
  const failure = answers.find((answer) => answer.type === "failed");
  if (failure) throw new Error(`the worker failed: ${failure.name}: ${failure.message}`);
  const found = answers.filter((answer) => answer.type === type);
  expect(found).toHaveLength(1);
  return found[0] as Extract<Answer, { type: T }>;
}

/** Opens the page, lets `use` do what it wants with it, closes it. */
async function withPage<T>(options: OpenOptions, use: (opened: OpenPage) => Promise<T>): Promise<T> {
  const opened = await openTrainingPage(options);
  try {
    await opened.until("idle");
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** Presses Start and waits for the end. */
async function wholeRun({ page, until }: OpenPage): Promise<readonly Answer[]> {
  await page.click("#start");
  return until("ended");
}

const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
};

describe.skipIf(missing)("a page that trains in a worker", { timeout: 300_000 }, () => {
  let [onSmall, onTiny]: StartedRun[] = [];
  const quiet = { sampleLength: 0 } as const;
  beforeAll(() => {
    [onSmall, onTiny] = [npmStart(small), npmStart(tiny)];
  }, 120_000);

  describe("on WebAssembly", () => {
    const settings = (more: Partial<PageSettings>) => ({ backend: "wasm", ...small, ...quiet, ...more }) as const;

    test("with threads, where the page is isolated: the bits of npm start in Node", async () => {
      const { text, losses } = onSmall!;
      await withPage({ text, isolated: true, settings: settings({ threads: 2 }) }, async (opened) => {
        const answers = await wholeRun(opened);
        expect(lossesOf(answers)).toEqual(losses);
        expect(only(answers, "ended").details).toMatchObject({
          threads: "2, shared memory",
          workers: "1 of 1 started",
        });
        expect(opened.messages).toEqual([]);
      });
      expect(losses.at(-1)!).toBeLessThan(losses[0]! - 1);
    });

    test("on one thread, where it is not isolated: the same bits, and the reason", async () => {
      const { text, losses } = onSmall!;
      await withPage({ text, settings: settings({ sampleLength: 20 }) }, async (opened) => {
        const shared = await opened.worker.evaluate(() => typeof SharedArrayBuffer);
        expect(shared).toBe("undefined");
        const answers = await wholeRun(opened);
        expect(lossesOf(answers)).toEqual(losses);
        expect(only(answers, "ended").details["threads"]).toBe("1, memory not shared (no SharedArrayBuffer)");
        expect(only(answers, "sample").text).toHaveLength(20);
        expect(opened.messages).toEqual([]);
      });
    });

    test("on one thread, where the page's policy forbids workers made from text: the same bits, and the reason", async () => {
      const { text, losses } = onSmall!;
      const options = { text, isolated: true, policy: strictPolicy, settings: settings({ threads: 2 }) };
      await withPage(options, async (opened) => {
        const answers = await wholeRun(opened);
        expect(lossesOf(answers)).toEqual(losses);
        expect(only(answers, "ended").details["threads"]).toMatch(/^1, shared memory \(.+\)$/);
      });
    });

    test("frees what it makes: tensors and memory are flat over 1,000 steps, and none is left", async () => {
      const shape = { layers: 1, heads: 2, width: 8, context: 8, batch: 2, steps: 1000, saveEvery: 100, threads: 2 };
      await withPage({ text: onTiny!.text, isolated: true, settings: settings(shape) }, async (opened) => {
        const answers = await wholeRun(opened);
        expect(stepsOf(answers)).toHaveLength(1000);
        expect(new Set(stepsOf(answers).map(({ buffers, bytes }) => `${buffers} ${bytes}`)).size).toBe(1);
        expect(stepsOf(answers)[0]!.buffers).toBeGreaterThan(20);
        const ended = only(answers, "ended");
        expect(ended.buffers).toBe(0);
        const capacity = (details: Readonly<Record<string, string>>) => / of (\d+) bytes/.exec(details["memory"]!)![1];
        expect(capacity(ended.details)).toBe(capacity(only(answers, "started").details));
      });
    });
  });

  describe("leaves its main thread free", () => {
    let files: Bundle;
    beforeAll(async () => {
      files = await trainingPageFiles();
    }, 120_000);

    test("the page's own script holds nothing that could train", () => {
      const packages = (path: string) => files.sources.get(path)!.filter((source) => source.includes("packages/"));
      expect(packages("/page.js")).toEqual([]);
      expect(packages("/worker.js").length).toBeGreaterThan(50);
    });

    // What is shown: while steps that keep the worker's thread busy for over 50 ms each are made, no task of the page's main thread takes 50 ms
    // of processor time (a long task, but for the time that other programs take on a loaded machine), no WebAssembly is in it, it gets turns
    // between updates, and it stops the run when asked. The same measure finds a loop of 100 ms in the main thread.
    test("no long task while the model of npm start trains, and Stop stops it", async () => {
      const settings = { backend: "wasm", ...quiet, batch: 48, steps: 1000, threads: 1 } as const;
      await withPage({ text: onSmall!.text, settings }, async ({ page, until, watched }) => {
        const training = await traceTasks(page, async () => {
          await page.click("#start");
          await page.waitForFunction(() => Number.parseInt(document.getElementById("step")!.textContent!, 10) >= 8);
          await page.click("#stop");
          await until("ended");
        });
        const ended = only(await until("ended"), "ended");
        expect(ended.step).toBeGreaterThanOrEqual(8);
        expect(ended.step).toBeLessThan(1000);
        const { beats, longTasks } = await watched();
        expect(new Set(beats).size).toBeGreaterThan(8);
        expect(await mainThreadScripts(page)).toEqual({ urls: ["/page.js"], wasm: 0 });
        console.log(
          `longest task: ${training.main.toFixed(1)} ms of processor time in the main thread, ` +
            `${training.worker.toFixed(1)} ms in the worker; the browser saw ${longTasks.length} long tasks by the clock`,
        );
        expect(training.worker).toBeGreaterThan(50);
        expect(training.main).toBeLessThan(50);
        const busy = await traceTasks(page, () =>
          page.evaluate(() => {
            let sum = 0;
            for (const end = performance.now() + 300; performance.now() < end; ) sum += Math.sqrt(sum + 1);
            return sum;
          }),
        );
        expect(busy.main).toBeGreaterThan(50);
      });
    });
  });

  for (const backend of ["webgpu", "webgl2"] as const) {
    describe(`on ${backend}`, () => {
      const settings = (more: Partial<PageSettings>) => ({ backend, ...tiny, ...quiet, ...more }) as const;

      test("in the worker: the curve of npm start in Node, within 1e-3", async () => {
        const { text, losses } = onTiny!;
        await withPage({ text, settings: settings({}) }, async (opened) => {
          let answers: readonly Answer[] = [];
          const { main } = await traceTasks(opened.page, async () => {
            answers = await wholeRun(opened);
          });
          expect(main).toBeLessThan(50);
          expect(await mainThreadScripts(opened.page)).toEqual({ urls: ["/page.js"], wasm: 0 });
          expect(only(answers, "started").backend).toBe(backend);
          const apart = largestDifference(lossesOf(answers), losses);
          console.log(
            `${backend}: at most ${apart.toExponential(1)} from npm start's losses; longest task of the main thread ${main.toFixed(1)} ms`,
          );
          expect(apart).toBeLessThan(1e-3);
          expect(only(answers, "ended").buffers).toBe(0);
          expect(opened.messages).toEqual([]);
        });
        expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);
      });

      test.each(["between updates", "during a read"] as const)(
        "goes on from the last snapshot when its device is lost %s",
        async (moment) => {
          const { text, losses } = onTiny!;
          await withPage({ text, settings: settings({ saveEvery: 5 }) }, async (opened) => {
            await opened.worker.evaluate(loseDevice, { step: 12, moment });
            const answers = await wholeRun(opened);
            const lost = only(answers, "lost");
            expect(lost).toMatchObject({ name: "DeviceLostError", from: 10 });
            expect(lost.message).toContain("Call useGpu again and load the last snapshot");
            const told = stepsOf(answers).map(({ step }) => step);
            const until = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
            expect(told).toEqual([...until(1, 12), ...until(11, tiny.steps)]);
            const byStep = (list: readonly StepAnswer[]) => new Map(list.map(({ step, loss }) => [step, loss]));
            // The updates after the snapshot are made again, bit for bit; together the curve is the uninterrupted one.
            const [before, after] = [byStep(stepsOf(answers).slice(0, 12)), byStep(stepsOf(answers).slice(12))];
            for (const step of [11, 12]) expect(after.get(step)).toBe(before.get(step));
            expect(largestDifference([...new Map([...before, ...after]).values()], losses)).toBeLessThan(1e-3);
          });
        },
      );
    });
  }

  test("on WebGPU everything is freed: tensors, and the device's buffers and their bytes, are flat over 1,000 steps", async () => {
    const shape = { layers: 1, heads: 1, width: 4, context: 4, batch: 1, steps: 1000, saveEvery: 100 };
    const settings = { backend: "webgpu", ...quiet, ...shape } as const;
    await withPage({ text: onTiny!.text.slice(0, 20_000), settings }, async (opened) => {
      await opened.worker.evaluate(countDeviceObjects);
      const answers = await wholeRun(opened);
      expect(new Set(stepsOf(answers).map(({ buffers, bytes }) => `${buffers} ${bytes}`)).size).toBe(1);
      expect(only(answers, "ended").buffers).toBe(0);
      const counts = await opened.worker.evaluate(() => (globalThis as unknown as { counted: DeviceCount[] }).counted);
      expect(counts).toHaveLength(1000);
      // What waits for the device when an update is told differs a little from one to the next, hence the largest of many.
      const most = (part: readonly DeviceCount[], of: (count: DeviceCount) => number) => Math.max(...part.map(of));
      const [early, late] = [counts.slice(50, 150), counts.slice(-100)];
      console.log(
        `webgpu, after 50 and after 900 steps: ${[early, late].map((part) => `${most(part, ({ objects }) => objects)} buffers of ${most(part, ({ bytes }) => bytes)} bytes`).join(", ")} at most`,
      );
      expect(most(early, ({ objects }) => objects)).toBeGreaterThan(10);
      expect(most(late, ({ objects }) => objects)).toBeLessThanOrEqual(most(early, ({ objects }) => objects));
      expect(most(late, ({ bytes }) => bytes)).toBeLessThanOrEqual(most(early, ({ bytes }) => bytes));
    });
  });
});
