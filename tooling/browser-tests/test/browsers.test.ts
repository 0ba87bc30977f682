import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BrowserReport, reportFrom } from "../src/browser.ts";
import { type BrowserMode, missingBrowser, mustRun } from "../src/chromium.ts";
import { saveParityRun } from "../src/parity-run.ts";

const missing = missingBrowser();
if (missing) {
  console.log(`browser-tests: WebGPU and WebGL2 skipped, because ${missing}`);
  // Where everything has to run, a skip would hide that nothing was tested.
  test.runIf(mustRun)("there is a browser", () => expect(missing).toBeUndefined());
}

const modes: readonly BrowserMode[] = ["webgl2", "webgpu"];

for (const mode of modes) {
  describe.skipIf(missing)(`Chromium, ${mode}`, () => {
    let report: BrowserReport;
    beforeAll(async () => {
      report = await reportFrom(mode);
      const { details, conformance, browser } = report;
      const label = `${mode === "webgpu" ? "WebGPU" : "WebGL2"}, Chromium`;
      saveParityRun({
        label,
        backend: mode,
        host: `${browser}, ${details["adapter"] ?? "SwiftShader"}`,
        ...conformance,
      });
    }, 300_000);
    afterAll(() => {
      if (report) console.log(`${mode}: ${report.conformance.passed} cases passed, ${JSON.stringify(report.details)}`);
    });

    test("runs in this mode", () => {
      expect(report.mode).toBe(mode);
    });

    test("passes the conformance suite", () => {
      expect(report.conformance.failures).toEqual([]);
      expect(report.conformance.passed).toBeGreaterThan(2000);
    });

    test("runs every kernel itself, but for random draws", () => {
      const elsewhere = report.conformance.kernels.filter(
        (kernel) => !kernel.endsWith(`:${mode}`) && !kernel.endsWith(`:${mode} wgsl`),
      );
      expect(elsewhere).toEqual(["normal:host", "uniform:host"]);
    });

    test("trains as the default backend does", () => {
      const { losses } = report.training;
      expect(losses).toHaveLength(50);
      expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.9);
      const apart = losses.map((loss, i) => Math.abs(loss - report.defaultTraining.losses[i]!));
      expect(Math.max(...apart)).toBeLessThan(1e-3);
    });

    test("trains without falling back", () => {
      expect(report.training.elsewhere).toEqual(["normal:host"]);
    });

    test("frees what a step made, on the device too", () => {
      const { tensors, deviceObjects } = report.training;
      expect(tensors[1]).toBe(tensors[0]);
      expect(deviceObjects[0]).toBeGreaterThan(tensors[0] / 2);
      expect(deviceObjects[1]).toBe(deviceObjects[0]);
    });

    test("says that its device was lost instead of returning zeros", () => {
      expect(report.afterLoss).toMatch(
        new RegExp(
          `^DeviceLostError: data: the ${mode} device was lost \\(.+\\), expected a live one\\. Call useGpu again`,
        ),
      );
    });

    test("complains about nothing", () => {
      expect(report.messages).toEqual([]);
    });
  });
}
