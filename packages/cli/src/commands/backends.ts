import { type Backend, createReferenceBackend, createWasmBackend, currentBackend } from "@heed/tensor";
import { Command } from "commander";
import type { Context } from "../program.ts";

export function backendsCommand(context: Context): Command {
  return new Command("backends").description("Say what computes on this machine, and why.").action(() => run(context));
}

function run({ output }: Context): void {
  const current = currentBackend();
  const wasm = createWasmBackend();
  const found: readonly (readonly [string, Backend | undefined])[] = [["wasm", wasm], ["reference", createReferenceBackend()]];
  for (const [name, backend] of found) {
    const inUse = current.name === name;
    if (!backend) {
      output.event({ event: "backend", name, available: false, reason: "this engine has no WebAssembly SIMD" });
      output.line(`${name}: not available, this engine has no WebAssembly SIMD`);
      continue;
    }
    const { dtypes, threads, details } = backend.capabilities();
    output.event({ event: "backend", name, available: true, inUse, dtypes, threads, details });
    output.line(`${name}${inUse ? " (in use)" : ""}: ${threads} ${threads === 1 ? "thread" : "threads"}; ${dtypes.join(", ")}`);
    for (const [key, value] of Object.entries(details)) output.line(`  ${key}: ${value}`);
  }
}
