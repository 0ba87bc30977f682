import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { program } from "../program.ts";
import type { Value } from "../value.ts";
import { reduceLines } from "./reduce.ts";

/** Elements whose squares one thread adds up. */
const blockLength = 256;

const letters = ["a", "b", "c", "d", "e", "f"] as const;

const squaresBody = `const base = Math.floor(this.thread.x) * span;
const steps = Math.min(span, count - base);
let total = a[base] * a[base];
for (let k = 1; k < steps; k++) { total = total + a[base + k] * a[base + k]; }
return total;`;

/** The sum of squares of one tensor, [1]. */
function sumOfSquares(launcher: Launcher, value: Value): Value {
  const count = Math.ceil(value.length / blockLength);
  const made = program("sum of squares", 1, ["count", "span"], () => squaresBody);
  const parts = launcher.run(made, count, [value], [value.length, blockLength]);
  return count === 1 ? parts : reduceLines(launcher, "sum", { value: parts, outer: 1, count, inner: 1 });
}

/** Adds up to six numbers, and takes the root of the sum where it is the last one. */
function joined(launcher: Launcher, parts: readonly Value[], isLast: boolean): Value {
  const terms = letters.slice(0, parts.length).map((letter) => `${letter}[0]`);
  const made = program(`add ${parts.length} numbers${isLast ? ", root" : ""}`, parts.length, [], () => {
    const sum = terms.join(" + ");
    return isLast ? `return Math.sqrt(${sum});` : `return ${sum};`;
  });
  const total = launcher.run(made, 1, parts);
  for (const part of parts) part.release();
  return total;
}

/** The norm of all gradients. */
export function globalNormKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    globalNorm(inputs, [y]) {
      let parts = inputs.filter((x) => sizeOf(x.shape) > 0).map((x) => sumOfSquares(launcher, launcher.valueOf(x)));
      if (parts.length === 0) return false;
      let isLast = false;
      while (!isLast) {
        isLast = parts.length <= letters.length;
        const groups = Array.from({ length: Math.ceil(parts.length / letters.length) }, (_, i) =>
          parts.slice(i * letters.length, (i + 1) * letters.length),
        );
        parts = groups.map((group) => joined(launcher, group, isLast));
      }
      launcher.store(y!, parts[0]!);
    },
  };
}
