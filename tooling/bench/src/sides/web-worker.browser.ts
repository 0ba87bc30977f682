/** `web-worker.ts` where workers exist: only their number is chosen. */

/** jax-js computes on one thread where there is no `Worker`, and otherwise on `navigator.hardwareConcurrency` of them. */
export function installBrowserWorkers(threads: number): void {
  if (threads === 1) Object.assign(globalThis, { Worker: undefined });
  else Object.defineProperty(globalThis.navigator, "hardwareConcurrency", { value: threads });
}
