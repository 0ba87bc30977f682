import type { Stage } from "../stage.ts";
import { vitest } from "../vitest.ts";

/** The tests of every package, on its sources. */
export const unit: Stage = {
  name: "unit",
  title: "unit tests of every package, on the sources",
  run: () => vitest("unit"),
};
