import type { Stage } from "../stage.ts";
import { vitest } from "../vitest.ts";

/** The tests of every package, on its sources. */
export const unit: Stage = {
  name: "unit",
  title: "unit tests of every package, on the sources",
  run: () => vitest("unit", { HEED_TEST_PART: "quick" }),
};

/** Pages in Chromium, and long runs on every backend. */
export const browsers: Stage = {
  name: "browsers",
  title: "tests in Chromium and on WebGPU in Node, on the sources",
  run: () => vitest("browsers", { HEED_TEST_PART: "browser-tests" }),
};

/** Every attention with every position encoding and every objective. */
export const matrix: Stage = {
  name: "matrix",
  title: "every combination of attention, positions and objective trains",
  run: () => vitest("matrix", { HEED_TEST_PART: "matrix" }),
};
