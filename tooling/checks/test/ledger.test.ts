import { expect, test } from "vitest";
import { ledgerTable } from "../src/ledger.ts";

test("one row per operation, one column per backend and pass", () => {
  const row = { op: "add", backend: "wasm", pass: "forward", cases: 3, worstError: 1.24e-7, ran: "kernel" } as const;
  const rows = [row, { ...row, pass: "gradient", ran: "composed", worstError: 0 }, { ...row, op: "sum" }] as const;
  expect(ledgerTable(rows)).toBe(
    [
      "| operation | wasm forward | wasm gradient |",
      "| --- | --- | --- |",
      "| add | kernel, 1.2e-7 | composed, 0.0e+0 |",
      "| sum | kernel, 1.2e-7 |  |",
    ].join("\n"),
  );
});
