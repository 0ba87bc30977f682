import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";

/** Splits the position into [outer, middle, inner] indices. */
const splitText = `${positionText}
${divideText("line", "position", "inner")}
const column = position - line * inner;
${divideText("outer", "line", "middle")}
const at = line - outer * middle;`;

/** An index out of range reads the nearest that is in it: the host cannot see the indices, and nothing reads beyond. */
const gatherBody = `${splitText}
const row = Math.max(Math.min(b[at], size - 1), 0);
return a[(outer * size + row) * inner + column];`;

/** Each element of the result looks for its updates, in the order of the indices: no two threads write to one place. */
const scatterBody = `${splitText}
let total = 0 * inner;
for (let k = 0; k < count; k++) {
  if (b[k] === at) { total = total + a[(outer * count + k) * inner + column]; }
}
return total;`;

/** Kernels that read or add through indices. */
export function gatherKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    gather([x, indices], [y], { axis }) {
      const inner = sizeOf(x!.shape.slice((axis as number) + 1));
      const made = program("gather", 2, ["inner", "middle", "size"], () => gatherBody);
      const values = [launcher.valueOf(x!), launcher.valueOf(indices!)];
      const numbers = [inner, sizeOf(indices!.shape), x!.shape[axis as number]!];
      launcher.store(y!, launcher.run(made, sizeOf(y!.shape), values, numbers));
    },
    scatterAdd([updates, indices], [y], { axis, size }) {
      const inner = sizeOf(y!.shape.slice((axis as number) + 1));
      const made = program("scatterAdd", 2, ["inner", "middle", "count"], () => scatterBody);
      const values = [launcher.valueOf(updates!), launcher.valueOf(indices!)];
      const numbers = [inner, size as number, sizeOf(indices!.shape)];
      launcher.store(y!, launcher.run(made, sizeOf(y!.shape), values, numbers));
    },
  };
}
