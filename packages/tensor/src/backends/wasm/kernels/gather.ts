import type { Kernel } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { bytesPerElement } from "../../../types.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { fill } from "./move.ts";

const CHUNK_BYTES = 65536;
/** Floats of a row that one chunk adds: two cache lines. */
const COLUMNS = 32;

/** Embedding lookup and its gradient. */
export function gatherKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    gather([x, indices], [y], attributes) {
      const axis = attributes["axis"] as number;
      const count = sizeOf(indices!.shape);
      const rows = sizeOf(x!.shape.slice(0, axis)) * count;
      const bytes = sizeOf(x!.shape.slice(axis + 1)) * bytesPerElement[x!.dtype];
      if (bytesPerElement[x!.dtype] > 4 || x!.shape[axis] === 0) return false;
      if (rows * bytes === 0) return;
      const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / bytes));
      runtime.run(
        "gatherRows",
        [addressOf(x!), addressOf(indices!), addressOf(y!), rows, count, x!.shape[axis]!, bytes, perChunk],
        Math.ceil(rows / perChunk),
        rows * (2 + bytes * 0.1),
      );
    },
    scatterAdd([updates, indices], [y], attributes) {
      const axis = attributes["axis"] as number;
      if (updates!.dtype !== "float32") return false;
      const outer = sizeOf(y!.shape.slice(0, axis));
      const width = sizeOf(y!.shape.slice(axis + 1));
      const count = sizeOf(indices!.shape);
      fill(runtime, y!, 0);
      if (outer * width * count === 0 || y!.shape[axis] === 0) return;
      const chunks = Math.ceil(width / COLUMNS);
      runtime.run(
        "scatterAddRows",
        [addressOf(updates!), addressOf(indices!), addressOf(y!), count, y!.shape[axis]!, width, COLUMNS, chunks],
        chunks * outer,
        count * outer * (2 * chunks + width * 0.2),
      );
    },
  };
}
