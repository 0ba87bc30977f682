import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";

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

/** Up to here every element of the result may look at every index. */
const fewIndices = 32;

/** For each position of the result its first update, or -1, then the number of its updates. */
const usesBody = `${positionText}
${divideText("part", "position", "size")}
const at = position - part * size;
let begin = 0 * size - 1;
let uses = 0 * size;
for (let k = 0; k < count; k++) {
  const last = count - 1 - k;
  if (a[last] === at) { begin = last; uses = uses + 1; }
}
if (part > 0.5) { return uses; }
return begin;`;

/** For each update the next one of the same position. */
const nextBody = `${positionText}
const own = a[this.thread.x];
const steps = count - 1 - position;
let following = position;
for (let k = 0; k < steps; k++) {
  const last = count - 1 - k;
  if (a[last] === own) { following = last; }
}
return following;`;

/** Each element of the result follows its updates from the first to the last, in the order of the indices. */
const chainBody = `${splitText}
const uses = b[middle + at];
let update = b[at];
let total = 0 * inner;
for (let k = 0; k < uses; k++) {
  total = total + a[(outer * count + update) * inner + column];
  update = c[update];
}
return total;`;

/** Work in proportion to (size + count) * count for the chains, then to size and updates only. */
function scatterByChains(launcher: Launcher, updates: Value, indices: Value, length: number, numbers: number[]): Value {
  const [, size, count] = numbers as [number, number, number];
  const uses = launcher.run(
    program("scatterAdd uses", 1, ["size", "count"], () => usesBody),
    2 * size,
    [indices],
    [size, count],
  );
  const next = launcher.run(
    program("scatterAdd next", 1, ["count"], () => nextBody),
    count,
    [indices],
    [count],
  );
  const chain = program("scatterAdd chains", 3, ["inner", "middle", "count"], () => chainBody);
  const total = launcher.run(chain, length, [updates, uses, next], numbers);
  uses.release();
  next.release();
  return total;
}

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
      const count = sizeOf(indices!.shape);
      const values = [launcher.valueOf(updates!), launcher.valueOf(indices!)] as const;
      const numbers = [inner, size as number, count];
      const length = sizeOf(y!.shape);
      if (count > fewIndices && length > 0) {
        launcher.store(y!, scatterByChains(launcher, ...values, length, numbers));
        return;
      }
      const made = program("scatterAdd", 2, ["inner", "middle", "count"], () => scatterBody);
      launcher.store(y!, launcher.run(made, length, values, numbers));
    },
  };
}
