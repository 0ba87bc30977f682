import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type ConformanceResult, ledger } from "@heed/tensor/testing";
import { at } from "./workspace.ts";

/** What the conformance suite returned on one backend. */
export interface ParityRun {
  /** Such as `WebGPU, Chromium`. */
  readonly label: string;
  /** The name under which the backend reports its kernels. */
  readonly backend: string;
  /** The adapter or browser, if that says more than the label. */
  readonly host: string;
  readonly results: readonly ConformanceResult[];
}

/** How one operation runs on one backend, forward or in its gradient. */
export interface ParityRow {
  readonly op: string;
  readonly pass: "forward" | "gradient";
  readonly cases: number;
  /** Largest of all cases, relative to max(1, |expected|). */
  readonly worstError: number;
  /** `kernel`, `reference`, `composed`, `partly kernel` or `shared memory`, as `ledger` of @heed/tensor/testing says. */
  readonly ran: string;
  /** What the backend says of this operation's own kernels: `wasm`, `webgpu`, `host`. */
  readonly kernels: readonly string[];
}

/** One backend's column. */
export interface ParityColumn {
  readonly label: string;
  readonly host: string;
  readonly rows: readonly ParityRow[];
}

/** The backends of the ledger, in its order. */
export const LEDGER_LABELS: readonly string[] = [
  "reference",
  "wasm, 1 thread",
  "wasm, 2 threads",
  "gpu.js cpu",
  "WebGPU, Dawn",
  "WebGL2, Chromium",
  "WebGPU, Chromium",
];

/** Where runs leave what they returned; a browser's are written by tooling/browser-tests. */
const folder = (): string => at("node_modules/.heed-reports/parity");

/** Leaves a run for the ledger. */
export function saveParityRun(run: ParityRun): void {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(`${folder()}/${run.label}.json`, JSON.stringify(run));
}

/** The runs that were left, with their time. */
export function savedParityRuns(): readonly (ParityRun & { readonly savedAt: number })[] {
  mkdirSync(folder(), { recursive: true });
  return readdirSync(folder())
    .filter((name) => name.endsWith(".json"))
    .map((name) => `${folder()}/${name}`)
    .map((path) => ({ ...(JSON.parse(readFileSync(path, "utf8")) as ParityRun), savedAt: statSync(path).mtimeMs }));
}

/** The column of a run. */
export function parityColumn({ label, backend, host, results }: ParityRun): ParityColumn {
  const rows = ledger(results.map((result) => ({ ...result, backend })));
  const kernelsOf = (op: string, pass: string): string[] => {
    const own = results.filter((result) => result.op === op && result.pass === pass);
    const names = own.flatMap(({ kernels }) => kernels.filter((entry) => entry.startsWith(`${op}:`)));
    return [...new Set(names.map((entry) => entry.slice(op.length + 1)))].sort();
  };
  return {
    label,
    host,
    rows: rows.map(({ op, pass, cases, worstError, ran }) => ({
      op,
      pass,
      cases,
      worstError,
      ran,
      kernels: kernelsOf(op, pass),
    })),
  };
}

/** Above this, and ten times the committed one, a fresh error is another one; below, machines differ. */
const NEGLIGIBLE = 1e-6;
const DRIFT = 10;

/** What a fresh column says otherwise than the committed one; nothing if it is the same but for small differences of error. */
export function staleness(committed: ParityColumn | undefined, fresh: ParityColumn): string[] {
  if (committed === undefined) return [`${fresh.label}: the committed ledger has no such backend`];
  const keyOf = ({ op, pass }: ParityRow): string => `${op} ${pass}`;
  const before = new Map(committed.rows.map((row) => [keyOf(row), row]));
  const now = new Map(fresh.rows.map((row) => [keyOf(row), row]));
  const gone = [...before.keys()].filter((key) => !now.has(key)).map((key) => `${fresh.label}: ${key} is no more`);
  const changed = [...now].flatMap(([key, row]) => {
    const old = before.get(key);
    if (old === undefined) return [`${fresh.label}: ${key} is new`];
    const [was, is] = [old, row].map(({ ran, kernels }) => `${ran} (${kernels.join(", ")})`);
    if (was !== is) return [`${fresh.label}: ${key} ran as ${is}, in the ledger as ${was}`];
    const drifted = row.worstError > NEGLIGIBLE && row.worstError > DRIFT * old.worstError;
    return drifted ? [`${fresh.label}: ${key} has the error ${row.worstError}, in the ledger ${old.worstError}`] : [];
  });
  return [...gone, ...changed];
}

function cell(row: ParityRow | undefined): string {
  if (row === undefined) return "";
  const special = row.kernels.length > 0 && row.ran !== "kernel" ? ` (${row.kernels.join(", ")})` : "";
  return `${row.ran}${special}, ${row.worstError.toExponential(1)}`;
}

/** The table operation x backend x forward/gradient as Markdown: what ran, and the largest relative error. */
export function ledgerTable(columns: readonly ParityColumn[]): string {
  const passes = ["forward", "gradient"] as const;
  const cells = columns.map(({ rows }) => new Map(rows.map((row) => [`${row.op} ${row.pass}`, row])));
  const line = (parts: readonly string[]) => `| ${parts.join(" | ")} |`;
  const operations = [...new Set(columns.flatMap(({ rows }) => rows.map(({ op }) => op)))];
  return [
    line(["operation", ...columns.flatMap(({ label }) => passes.map((pass) => `${label}: ${pass}`))]),
    line(["---", ...columns.flatMap(() => passes.map(() => "---"))]),
    ...operations.map((op) =>
      line([op, ...cells.flatMap((column) => passes.map((pass) => cell(column.get(`${op} ${pass}`))))]),
    ),
  ].join("\n");
}
