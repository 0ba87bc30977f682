import type { ConformanceResult } from "./cases.ts";

/** One row of the ledger: how an operation runs on a backend, and how exactly. */
export interface LedgerRow {
  readonly op: string;
  readonly backend: string;
  readonly pass: "forward" | "gradient";
  readonly cases: number;
  /** largest error of all cases, relative to max(1, |expected|) */
  readonly worstError: number;
  /**
   * `kernel` if the backend's own ran (in a gradient: all of its operations), `reference` if a reference kernel did,
   * `composed` if the operation ran as other operations
   */
  readonly ran: "kernel" | "reference" | "composed" | "partly kernel" | "shared memory";
}

function whatRan(op: string, backend: string, pass: string, kernels: readonly string[]): LedgerRow["ran"] {
  const own = kernels.filter((entry) => pass === "gradient" || entry.startsWith(`${op}:`));
  const native = own.filter((entry) => entry.endsWith(`:${backend}`) && backend !== "reference").length;
  if (own.length > 0) return native === own.length ? "kernel" : native > 0 ? "partly kernel" : "reference";
  return kernels.length > 0 ? "composed" : "shared memory";
}

/** The table operation x backend x forward/gradient, from what the conformance cases returned. */
export function ledger(results: readonly (ConformanceResult & { readonly backend: string })[]): LedgerRow[] {
  const groups = new Map<string, (ConformanceResult & { readonly backend: string })[]>();
  for (const result of results) {
    const key = `${result.op} ${result.backend} ${result.pass}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map((group) => {
    const { op, backend, pass } = group[0]!;
    const kernels = [...new Set(group.flatMap((result) => result.kernels))];
    return {
      op,
      backend,
      pass,
      cases: group.length,
      worstError: Math.max(...group.map((result) => result.worstError)),
      ran: whatRan(op, backend, pass, kernels),
    };
  });
}
