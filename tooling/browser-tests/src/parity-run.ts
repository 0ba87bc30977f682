import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ConformanceResult } from "@heed/tensor/testing";

/** What the conformance suite found on one backend, for the table of all backends. */
export interface ParityRun {
  /** how the table calls it */
  readonly label: string;
  /** the backend's name in the kernels that it reports */
  readonly backend: string;
  /** browser and adapter */
  readonly host: string;
  readonly results: readonly ConformanceResult[];
}

/** Leaves a run where the stage that writes the table finds it. */
export function saveParityRun({ label, backend, host, results }: ParityRun): void {
  const folder = fileURLToPath(new URL("../../../node_modules/.heed-reports/parity/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${label}.json`, JSON.stringify({ label, backend, host, results }));
}
