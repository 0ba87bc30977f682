import { type Backend, createWasmBackend, referenceBackend } from "@heed/tensor";
import { Command } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";

/** `backends`: what computes here. */
export function backendsCommand(context: Context): Command {
  return new Command("backends").description("Say what computes on this machine, and why.").action(() => run(context));
}

const noWasm = "this engine has no WebAssembly SIMD";

function run({ output }: Context): void {
  const current = chooseBackend();
  const found: readonly (readonly [string, Backend | undefined])[] = [
    ["wasm", current.name === "wasm" ? current : createWasmBackend()],
    ["reference", referenceBackend()],
  ];
  for (const [name, backend] of found) {
    const inUse = current.name === name;
    if (!backend) {
      output.event({ event: "backend", name, available: false, inUse, reason: noWasm });
      output.line(`${name}: not available, ${noWasm}`);
      continue;
    }
    const { dtypes, threads, details } = backend.capabilities();
    output.event({ event: "backend", name, available: true, inUse, dtypes, threads, details });
    const used = inUse ? " (in use)" : "";
    output.line(`${name}${used}: ${threads} ${threads === 1 ? "thread" : "threads"}; ${dtypes.join(", ")}`);
    for (const [key, value] of Object.entries(details)) output.line(`  ${key}: ${value}`);
  }
}
