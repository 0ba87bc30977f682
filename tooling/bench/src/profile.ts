/** Where the time of one run of this repository's side of a case goes, by kernel. */
import { type Backend, createWasmBackend, type Kernel, useBackend } from "@heed/tensor";
import { allCases } from "./cases.ts";
import { openOn } from "./sides/heed.ts";

interface Spent {
  calls: number;
  milliseconds: number;
}

/** A backend whose kernels note their time in `spent`. */
function timed(backend: Backend, spent: Map<string, Spent>): Backend {
  const watch = (name: string, kernel: Kernel): Kernel => {
    const entry: Spent = { calls: 0, milliseconds: 0 };
    spent.set(name, entry);
    return (inputs, outputs, attributes) => {
      const start = performance.now();
      const result = kernel(inputs, outputs, attributes);
      entry.calls++;
      entry.milliseconds += performance.now() - start;
      return result;
    };
  };
  const kernels = Object.fromEntries(
    Object.entries(backend.kernels).map(([name, kernel]) => [name, watch(name, kernel)]),
  );
  return Object.assign(Object.create(backend) as Backend, { kernels });
}

/**
 * Prints the time of each kernel in one run of a case, warm. What is not in a kernel of the backend is reference kernels,
 * bookkeeping and garbage collection.
 *
 * @param caseName a case whose first side is this repository's
 * @param wide with 256-bit vectors
 */
export async function profile(caseName: string, threads: number, wide: boolean): Promise<void> {
  const task = allCases({ threads: [threads], peers: [] }).find(({ name }) => name === caseName)?.sides[0]?.task;
  if (task === undefined)
    throw new RangeError(`profile: case is unknown, expected one with a heed side, got "${caseName}". Try step-small`);
  const backend = createWasmBackend({ threads, wide });
  if (backend === undefined)
    throw new Error("profile: this engine has no WebAssembly SIMD, expected one that has. Run it on Node 24");
  const spent = new Map<string, Spent>();
  const watched = timed(backend, spent);
  useBackend(watched);
  const job = await openOn(watched, task);
  const runs = 5;
  const once = async (): Promise<number> => {
    await job.prepare?.();
    for (const entry of spent.values()) Object.assign(entry, { calls: 0, milliseconds: 0 });
    watched.resetReport();
    const start = performance.now();
    await job.run();
    return performance.now() - start;
  };
  for (let i = 1; i < runs; i++) await once();
  const total = await once();
  const rows = [...spent].filter(([, { calls }]) => calls > 0).sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  const inKernels = rows.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
  const line = (name: string, calls: number | string, milliseconds: number): string =>
    `${name.padEnd(34)} ${String(calls).padStart(6)} ${milliseconds.toFixed(2).padStart(9)} ms ${((100 * milliseconds) / total).toFixed(1).padStart(5)} %`;
  for (const [name, { calls, milliseconds }] of rows) console.log(line(name, calls, milliseconds));
  console.log(line("not in a kernel of the backend", "", total - inKernels));
  console.log(line("total", "", total));
  const elsewhere = watched.report().filter(({ kernel }) => kernel !== backend.name);
  for (const { op, kernel, calls } of elsewhere)
    console.log(`not on ${backend.name}: ${op} (${kernel}) ${calls} times`);
}
