/** What the machine can do at most, measured with the module of wasm-module.ts. */
import type { Task } from "./task.ts";
import { ACCUMULATORS, ceilingModule } from "./wasm-module.ts";

const PAGE = 65536;

/** Bytes read or copied in one run: far more than the last cache holds. */
export const CEILING_BYTES = 256 * 2 ** 20;

/** Rounds of the multiply-add loop in one run: about a tenth of a second. */
export const CEILING_ITERATIONS = Math.floor(2 ** 29 / ACCUMULATORS);

/** Floating-point operations of one run of "multiply-add": four lanes, a product and a sum each. */
export const CEILING_FLOPS = CEILING_ITERATIONS * ACCUMULATORS * 8;

/** Compiles the module and returns the timed function of one ceiling, for the calling thread. */
export function ceilingJob(task: Task): { run: () => void; relaxed: boolean } {
  const pages = task.kind === "multiply-add" ? 1 : (task.kind === "copy" ? 2 : 1) * (CEILING_BYTES / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const { exports, relaxed } = ceilingModule(memory);
  // Written once, so that every page is the process's own; untouched pages all read from one page of zeros.
  if (task.kind !== "multiply-add") new Uint8Array(memory.buffer).fill(1);
  const check = (value: number): void => {
    if (!Number.isFinite(value)) throw new Error(`ceilingJob: the result is not finite, got ${value}`);
  };
  switch (task.kind) {
    case "multiply-add":
      return { relaxed, run: () => check(exports.multiplyAdd(CEILING_ITERATIONS)) };
    case "read":
      return { relaxed, run: () => check(exports.read(0, CEILING_BYTES)) };
    case "copy":
      return { relaxed, run: () => exports.copy(CEILING_BYTES, 0, CEILING_BYTES) };
    default:
      throw new RangeError(
        `ceilingJob: task is not a ceiling, expected multiply-add, read or copy, got "${task.kind}". Use another library.`,
      );
  }
}
