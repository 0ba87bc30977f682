import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { LEDGER_LABELS, ledgerTable, type ParityColumn, parityColumn, savedParityRuns, staleness } from "../ledger.ts";
import { failed, type Outcome, outcome, type Stage, skipped } from "../stage.ts";
import { at } from "../workspace.ts";

const folder = at("apps/docs/generated");

/** Runs older than this are of other sources. */
const OLDEST_HOURS = 3;

interface Ledger {
  readonly columns: readonly ParityColumn[];
}

const committed = (): readonly ParityColumn[] => {
  const path = `${folder}/parity.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Ledger).columns : [];
};

function write(columns: readonly ParityColumn[]): void {
  mkdirSync(folder, { recursive: true });
  const ledger: Ledger = { columns };
  writeFileSync(`${folder}/parity.json`, `${JSON.stringify(ledger, undefined, 1)}\n`);
  const backends = columns.map(({ label, host, rows }) => {
    const cases = rows.reduce((sum, row) => sum + row.cases, 0);
    return `- ${label}${host ? ` (${host})` : ""}: ${cases} cases`;
  });
  const page = [
    "# Parity ledger",
    "",
    "What ran for each operation on each backend, forward and in its gradient, and the largest error of all its cases, relative to max(1, |expected|). Written by `npm test -- conformance parity --write`; [performance.md](../pages/performance.md) says how to read it.",
    "",
    ...backends,
    "",
    ledgerTable(columns),
    "",
  ];
  writeFileSync(`${folder}/parity.md`, page.join("\n"));
  console.log(`written: apps/docs/generated/parity.json and .md, ${columns.length} backends`);
}

/** What a backend of the ledger says now. */
function check(label: string, fresh: ParityColumn | undefined, ledger: readonly ParityColumn[]): Outcome {
  const name = `parity ledger: ${label}`;
  if (fresh === undefined) {
    const reason = `its conformance suite did not run in the last ${OLDEST_HOURS} hours. Run npm test -- browsers conformance parity`;
    return process.env.CI ? failed(name, reason) : skipped(name, reason);
  }
  const old = ledger.find((column) => column.label === label);
  const changes = staleness(old, fresh);
  return outcome(name, changes.length === 0 ? [] : [...changes, "Renew it: npm test -- parity --write"]);
}

/**
 * The committed parity ledger says what the suite has just found: the same operations, backends and kernels. With --write the
 * ledger is written anew; backends that did not run keep what they had.
 */
export const parity: Stage = {
  name: "parity",
  title: "the parity ledger in the docs is not stale (--write renews it)",
  async run() {
    const youngest = Date.now() - OLDEST_HOURS * 3_600_000;
    const fresh = savedParityRuns()
      .filter(({ savedAt }) => savedAt > youngest)
      .map((run) => parityColumn(run));
    const found = (label: string, columns: readonly ParityColumn[]) => columns.find((one) => one.label === label);
    if (process.env.HEED_WRITE && fresh.length > 0) {
      const old = committed();
      write(LEDGER_LABELS.flatMap((label) => found(label, fresh) ?? found(label, old) ?? []));
    }
    const ledger = committed();
    return LEDGER_LABELS.map((label) => check(label, found(label, fresh), ledger));
  },
};
