import type { LedgerRow } from "@heed/tensor/testing";
import { command } from "../command.ts";
import { ledgerTable } from "../ledger.ts";
import { failed, type Outcome, passed, type Stage, skipped } from "../stage.ts";
import { at } from "../workspace.ts";
import { nodes } from "./end-to-end.ts";

interface Line {
  readonly name?: string;
  readonly reason?: string;
  readonly end?: number;
  readonly ledger?: readonly LedgerRow[];
}

async function conformanceOn(label: string, node: string): Promise<Outcome[]> {
  const { code, output, stdout } = await command(node, [at("tooling/checks/conformance.mjs")], { cwd: at() });
  const lines = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  const outcomes = lines
    .filter((line) => line.name !== undefined)
    .map(({ name, reason }) =>
      reason === undefined ? passed(`[${label}] ${name}`) : failed(`[${label}] ${name}`, reason),
    );
  const last = lines.find((line) => line.end !== undefined);
  const announced = last?.end ?? 0;
  if (last?.ledger)
    console.log(`What ran on the ${label}, and its largest relative error:\n${ledgerTable(last.ledger)}`);
  if (code === 0 && announced === outcomes.length && announced > 0) return outcomes;
  return [
    ...outcomes,
    failed(`[${label}] conformance`, `ended with code ${code} after ${outcomes.length} cases\n${output.slice(-2000)}`),
  ];
}

/** The contract of backends, as published, against every backend of the built package. */
export const conformance: Stage = {
  name: "conformance",
  title: "the published cases of @heed/tensor/testing, on the pinned and on the machine's own Node",
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
