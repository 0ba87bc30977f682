// node tooling/checks/conformance.mjs: runs the cases that the built @heed/tensor publishes for backends, without a test
// framework, on whichever Node runs this. One JSON line per case.
import { createReferenceBackend, createWasmBackend } from "@heed/tensor";
import { conformanceCases } from "@heed/tensor/testing";

const backends = {
  reference: createReferenceBackend(),
  "WebAssembly, 1 thread": createWasmBackend({ threads: 1 }),
  "WebAssembly, 2 threads": createWasmBackend({ threads: 2 }),
  "WebAssembly without relaxed SIMD": createWasmBackend({ threads: 1, relaxed: false }),
};

let count = 0;
for (const [backend, instance] of Object.entries(backends)) {
  for (const { op, name, run } of conformanceCases(instance)) {
    let reason;
    try {
      await run();
    } catch (error) {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    count++;
    process.stdout.write(`${JSON.stringify({ name: `${backend}: ${op}: ${name}`, reason })}\n`);
  }
  instance.close?.();
}
process.stdout.write(`${JSON.stringify({ end: count })}\n`);
