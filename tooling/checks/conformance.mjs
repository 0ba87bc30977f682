// node tooling/checks/conformance.mjs: runs the cases that the built @heed/tensor publishes for backends, without a test
// framework, on whichever Node runs this. One JSON line per case, and the table of what ran where at the end.
import { createReferenceBackend, createWasmBackend } from "@heed/tensor";
import { conformanceCases, ledger } from "@heed/tensor/testing";

const backends = {
  reference: createReferenceBackend(),
  "wasm, 1 thread": createWasmBackend({ threads: 1 }),
  "wasm, 2 threads": createWasmBackend({ threads: 2 }),
  "wasm, 256-bit vectors": createWasmBackend({ threads: 2, wide: true }),
  "wasm without relaxed SIMD": createWasmBackend({ threads: 1, relaxed: false }),
};

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

let count = 0;
const results = [];
for (const [label, backend] of Object.entries(backends)) {
  for (const { op, name, run } of conformanceCases(backend)) {
    let reason;
    try {
      results.push({ ...(await run()), backend: backend.name });
    } catch (error) {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    count++;
    print({ name: `${label}: ${op}: ${name}`, reason });
  }
  backend.close?.();
}
print({ end: count, ledger: ledger(results) });
