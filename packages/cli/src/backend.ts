import { type Backend, createWasmBackend, referenceBackend, useBackend } from "@heed/tensor";

/** One for each choice: a program may run several command lines in one process. */
const made = new Map<string, Backend>();

/**
 * Sets the backend of this process: WebAssembly, with as many threads as asked for or as the machine has.
 *
 * 256-bit vectors are asked for too: the process is ours, so an experimental flag of V8 concerns nobody else.
 * HEED_WIDE=0 leaves them out.
 */
export function chooseBackend(threads?: number): Backend {
  const wide = process.env["HEED_WIDE"] !== "0";
  const key = `${threads} ${wide}`;
  const backend =
    made.get(key) ?? createWasmBackend({ wide, ...(threads !== undefined && { threads }) }) ?? referenceBackend();
  made.set(key, backend);
  useBackend(backend);
  return backend;
}
