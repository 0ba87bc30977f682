import { expect, test } from "vitest";
import { ledgerTable, type ParityColumn, type ParityRun, parityColumn, staleness } from "../src/ledger.ts";

const run: ParityRun = {
  label: "wasm, 1 thread",
  backend: "wasm",
  host: "",
  results: [
    { op: "add", pass: "forward", worstError: 1.24e-7, bits: 1, kernels: ["add:wasm"] },
    { op: "add", pass: "forward", worstError: 1e-9, bits: 2, kernels: ["add:wasm"] },
    { op: "add", pass: "gradient", worstError: 0, bits: 3, kernels: ["add:wasm", "sum:reference"] },
    { op: "uniform", pass: "forward", worstError: 0, bits: 4, kernels: ["uniform:host"] },
  ],
};
const column = parityColumn(run);

test("a column says of each operation what ran, how exactly, in how many cases", () => {
  expect(column.rows).toEqual([
    { op: "add", pass: "forward", cases: 2, worstError: 1.24e-7, ran: "kernel", kernels: ["wasm"] },
    { op: "add", pass: "gradient", cases: 1, worstError: 0, ran: "partly kernel", kernels: ["wasm"] },
    { op: "uniform", pass: "forward", cases: 1, worstError: 0, ran: "reference", kernels: ["host"] },
  ]);
});

test("one row per operation, one column per backend and pass", () => {
  expect(ledgerTable([column, { ...column, label: "other", rows: column.rows.slice(0, 1) }])).toBe(
    [
      "| operation | wasm, 1 thread: forward | wasm, 1 thread: gradient | other: forward | other: gradient |",
      "| --- | --- | --- | --- | --- |",
      "| add | kernel, 1.2e-7 | partly kernel (wasm), 0.0e+0 | kernel, 1.2e-7 |  |",
      "| uniform | reference (host), 0.0e+0 |  |  |  |",
    ].join("\n"),
  );
});

test("a ledger is stale when operations or kernels differ, or when an error grew tenfold", () => {
  const [first, ...others] = column.rows as [ParityColumn["rows"][0], ...ParityColumn["rows"]];
  const withFirst = (changed: Partial<ParityColumn["rows"][0]>): ParityColumn => ({
    ...column,
    rows: [{ ...first, ...changed }, ...others],
  });
  expect(staleness(column, column)).toEqual([]);
  expect(staleness(column, withFirst({ worstError: 9e-7 }))).toEqual([]);
  expect(staleness(undefined, column)).toMatchInlineSnapshot(`
    [
      "wasm, 1 thread: the committed ledger has no such backend",
    ]
  `);
  expect(staleness(column, { ...column, rows: others })).toMatchInlineSnapshot(`
    [
      "wasm, 1 thread: add forward is no more",
    ]
  `);
  expect(staleness({ ...column, rows: others }, column)).toMatchInlineSnapshot(`
    [
      "wasm, 1 thread: add forward is new",
    ]
  `);
  expect(staleness(column, withFirst({ ran: "composed", kernels: [] }))).toMatchInlineSnapshot(`
    [
      "wasm, 1 thread: add forward ran as composed (), in the ledger as kernel (wasm)",
    ]
  `);
  expect(staleness(column, withFirst({ worstError: 2e-6 }))).toMatchInlineSnapshot(`
    [
      "wasm, 1 thread: add forward has the error 0.000002, in the ledger 1.24e-7",
    ]
  `);
});
