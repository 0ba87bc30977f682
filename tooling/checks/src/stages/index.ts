import type { Stage } from "../stage.ts";
import { boundaries } from "./boundaries.ts";
import { build } from "./build.ts";
import { bundling } from "./bundling.ts";
import { conformance } from "./conformance.ts";
import { endToEnd } from "./end-to-end.ts";
import { examples } from "./examples.ts";
import { install } from "./install.ts";
import { knip } from "./knip.ts";
import { layout } from "./layout.ts";
import { lint } from "./lint.ts";
import { manifests } from "./manifests.ts";
import { parity } from "./parity.ts";
import { realm } from "./realm.ts";
import { types } from "./types.ts";
import { browsers, matrix, unit } from "./unit.ts";

/** In the order of a developer's patience: what answers in seconds comes first. Those after `build` read its result. */
export const stages: readonly Stage[] = [
  types,
  lint,
  layout,
  boundaries,
  knip,
  unit,
  browsers,
  matrix,
  examples,
  build,
  manifests,
  realm,
  conformance,
  parity,
  bundling,
  install,
  endToEnd,
];
