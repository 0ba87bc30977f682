import { expect, test } from "vitest";
import * as gpu from "../src/index.ts";

test("exported names", () => {
  expect(Object.keys(gpu).sort()).toMatchInlineSnapshot(`
    [
      "DeviceLostError",
      "OutOfMemoryError",
      "createGpuBackend",
      "useGpu",
    ]
  `);
});
