import { type Backend, createWasmBackend, currentBackend, referenceBackend, useBackend } from "@heed/tensor";

/**
 * Sets the backend of this process: WebAssembly, with as many threads as asked for or as the machine has.
 *
 * 256-bit vectors are asked for too: the process is ours, so an experimental flag of V8 concerns nobody else.
 * HEED_WIDE=0 leaves them out.
 */
export function chooseBackend(threads?: number): Backend {
  const wide = process.env["HEED_WIDE"] !== "0";
  useBackend(createWasmBackend({ wide, ...(threads !== undefined && { threads }) }) ?? referenceBackend());
  return currentBackend();
}
