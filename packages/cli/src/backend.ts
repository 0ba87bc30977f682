import { type Backend, createWasmBackend, currentBackend, referenceBackend, useBackend } from "@heed/tensor";

/** Sets the backend of this process: WebAssembly, with as many threads as asked for or as the machine has. */
export function chooseBackend(threads?: number): Backend {
  if (threads !== undefined) useBackend(createWasmBackend({ threads }) ?? referenceBackend());
  return currentBackend();
}
