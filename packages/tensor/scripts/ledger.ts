// node --conditions=@heed/source packages/tensor/scripts/ledger.ts [--json]: runs the conformance suite on every backend of
// this package and prints the table operation x backend x forward/gradient. Exit code 1 if a case fails.
import { createReferenceBackend, createWasmBackend } from "@heed/tensor";
import { type ConformanceResult, conformanceCases, ledger } from "@heed/tensor/testing";

const results: (ConformanceResult & { backend: string })[] = [];
const wasm = createWasmBackend();
for (const backend of wasm ? [createReferenceBackend(), wasm] : [createReferenceBackend()]) {
  for (const c of conformanceCases(backend)) {
    try {
      results.push({ ...(await c.run()), backend: backend.name });
    } catch (error) {
      console.error(`${backend.name}: ${c.name}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}
wasm?.close();

const rows = ledger(results);
if (process.argv.includes("--json")) {
  for (const row of rows) console.log(JSON.stringify(row));
} else {
  const cell = (op: string, backend: string, pass: string): string => {
    const row = rows.find((one) => one.op === op && one.backend === backend && one.pass === pass);
    return row ? `${row.ran}, ${row.cases} cases, ${row.worstError.toExponential(1)}` : "-";
  };
  const backends = [...new Set(rows.map((row) => row.backend))];
  const columns = backends.flatMap((backend) => [`${backend} forward`, `${backend} gradient`]);
  console.log(`| operation | ${columns.join(" | ")} |`);
  console.log(`| --- |${columns.map(() => " --- |").join("")}`);
  for (const op of new Set(rows.map((row) => row.op))) {
    console.log(
      `| ${op} | ${columns.map((column) => cell(op, ...(column.split(" ") as [string, string]))).join(" | ")} |`,
    );
  }
}
