// node tooling/checks/conformance.mjs [--gpu]: runs the cases that the built packages publish for backends, without a test
// framework, on whichever Node runs this; with --gpu also on gpu.js in plain JavaScript and on WebGPU over Dawn. One JSON line per
// case, and one per backend with what its cases returned.
import { createReferenceBackend, createWasmBackend } from "@heed/tensor";
import { conformanceCases } from "@heed/tensor/testing";

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Whole numbers are float32 on the GPU backends. */
const floatWholeNumbers = { largestWholeNumber: 2 ** 24 };

/** WebGPU in Node, by the npm package `webgpu`. */
async function openDawn() {
  const { create } = await import("webgpu");
  const gpu = create([]);
  if (!(await gpu.requestAdapter())) return "Dawn finds no Vulkan driver. Install Debian's package chromium";
  const { createGpuBackend } = await import("@heed/gpu");
  return createGpuBackend({ prefer: "webgpu", gpu });
}

async function openGpuJsCpu() {
  const { createGpuBackend } = await import("@heed/gpu");
  return createGpuBackend({ prefer: "cpu" });
}

const own = [
  ["reference", createReferenceBackend],
  ["wasm, 1 thread", () => createWasmBackend({ threads: 1 })],
  ["wasm, 2 threads", () => createWasmBackend({ threads: 2 })],
  ["wasm, 256-bit vectors", () => createWasmBackend({ threads: 2, wide: true })],
  ["wasm without relaxed SIMD", () => createWasmBackend({ threads: 1, relaxed: false })],
];
const gpu = [
  ["gpu.js cpu", openGpuJsCpu, floatWholeNumbers],
  ["WebGPU, Dawn", openDawn, floatWholeNumbers],
];

let count = 0;
for (const [label, open, traits] of process.argv.includes("--gpu") ? [...own, ...gpu] : own) {
  const backend = await open();
  if (typeof backend === "string") {
    print({ missing: label, reason: backend });
    continue;
  }
  const results = [];
  for (const { op, name, run } of conformanceCases(backend, traits)) {
    let reason;
    try {
      results.push(await run());
    } catch (error) {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    count++;
    print({ name: `${label}: ${op}: ${name}`, reason });
  }
  const { details } = backend.capabilities();
  print({ run: { label, backend: backend.name, host: details.adapter ?? "", results } });
  backend.close?.();
}
// Dawn keeps threads of its own, so the process has to be ended, but not before everything is written.
process.stdout.write(`${JSON.stringify({ end: count })}\n`, () => process.exit(0));
