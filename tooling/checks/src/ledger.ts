import type { LedgerRow } from "@heed/tensor/testing";

/** The table operation x backend x forward/gradient as Markdown: what ran, and the largest relative error. */
export function ledgerTable(rows: readonly LedgerRow[]): string {
  const columns = [...new Set(rows.map(({ backend, pass }) => `${backend} ${pass}`))];
  const cells = new Map(
    rows.map((row) => [`${row.op} ${row.backend} ${row.pass}`, `${row.ran}, ${row.worstError.toExponential(1)}`]),
  );
  const line = (parts: readonly string[]) => `| ${parts.join(" | ")} |`;
  const operations = [...new Set(rows.map(({ op }) => op))];
  return [
    line(["operation", ...columns]),
    line(["---", ...columns.map(() => "---")]),
    ...operations.map((op) => line([op, ...columns.map((column) => cells.get(`${op} ${column}`) ?? "")])),
  ].join("\n");
}
