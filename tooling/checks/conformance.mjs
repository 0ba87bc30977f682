// node tooling/checks/conformance.mjs: runs the cases that the built @heed/tensor publishes for backends, without a test
// framework, on whichever Node runs this. One JSON line per case.
import { conformanceCases } from "@heed/tensor/testing";

for (const { name, run } of conformanceCases) {
  let reason;
  try {
    await run();
  } catch (error) {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  process.stdout.write(`${JSON.stringify({ name, reason })}\n`);
}
process.stdout.write(`${JSON.stringify({ end: conformanceCases.length })}\n`);
