import { existsSync } from "node:fs";
import { command } from "../command.ts";
import { ledgerTable, type ParityRun, parityColumn, saveParityRun } from "../ledger.ts";
import { failed, type Outcome, passed, type Stage, skipped } from "../stage.ts";
import { at, pinnedNode } from "../workspace.ts";
import { nodes } from "./end-to-end.ts";

interface Line {
  readonly name?: string;
  readonly reason?: string;
  readonly missing?: string;
  readonly run?: ParityRun;
  readonly end?: number;
}

/** Where Debian's Chromium keeps a Vulkan loader and a driver made of software. */
const chromium = "/usr/lib/chromium";

/** Lets Dawn find a driver: the machine's own where VK_ICD_FILENAMES names one, else Chromium's. */
function vulkan(): Record<string, string> {
  const driver = `${chromium}/vk_swiftshader_icd.json`;
  if (process.env.VK_ICD_FILENAMES || !existsSync(driver)) return {};
  return { LD_LIBRARY_PATH: chromium, VK_ICD_FILENAMES: driver };
}

/** A backend that is not there: a skip that everybody sees, and a failure where everything has to run. */
function absent(name: string, reason: string): Outcome {
  return process.env.CI ? failed(name, reason) : skipped(name, reason);
}

async function conformanceOn(label: string, node: string): Promise<Outcome[]> {
  // GPU backends run once, on the pinned Node.
  const onGpu = node === pinnedNode;
  const args = [at("tooling/checks/conformance.mjs"), ...(onGpu ? ["--gpu"] : [])];
  const { code, output, stdout } = await command(node, args, { cwd: at(), env: onGpu ? vulkan() : {} });
  const lines = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  const outcomes = lines
    .filter((line) => line.name !== undefined)
    .map(({ name, reason }) =>
      reason === undefined ? passed(`[${label}] ${name}`) : failed(`[${label}] ${name}`, reason),
    );
  const missing = lines.flatMap(({ missing, reason }) =>
    missing === undefined ? [] : [absent(`[${label}] ${missing}`, reason ?? "")],
  );
  const runs = lines.flatMap(({ run }) => (run === undefined ? [] : [run]));
  console.log(
    `What ran on the ${label}, and its largest relative error:\n${ledgerTable(runs.map((run) => parityColumn(run)))}`,
  );
  if (onGpu) for (const run of runs) saveParityRun(run);
  const announced = lines.find((line) => line.end !== undefined)?.end ?? 0;
  if (code === 0 && announced === outcomes.length && announced > 0) return [...outcomes, ...missing];
  return [
    ...outcomes,
    ...missing,
    failed(`[${label}] conformance`, `ended with code ${code} after ${outcomes.length} cases\n${output.slice(-2000)}`),
  ];
}

/** The contract of backends, as published, against every backend of the built packages that Node has. */
export const conformance: Stage = {
  name: "conformance",
  title:
    "the published cases of @heed/tensor/testing, on the pinned and on the machine's own Node, and on WebGPU over Dawn",
  async run() {
    const outcomes = [];
    for (const { label, path, same } of await nodes()) {
      if (same)
        outcomes.push(
          skipped(`conformance on ${label}`, "it is the version that the repository pins, which has just run"),
        );
      else outcomes.push(...(await conformanceOn(label, path)));
    }
    return outcomes;
  },
};
