import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";

/** How many elements of its row come before each: larger ones, earlier equal ones; NaN before every number. */
const rankBody = `${positionText}
${divideText("row", "position", "size")}
const at = position - row * size;
const own = a[row * size + at];
let number = 0;
if (own >= 0 || own < 0) { number = 1; }
let before = 0;
for (let k = 0; k < size; k++) {
  const other = a[row * size + k];
  let otherNumber = 0;
  if (other >= 0 || other < 0) { otherNumber = 1; }
  let wins = 0;
  if (otherNumber < number) { wins = 1; }
  if (otherNumber === number && number > 0 && other > own) { wins = 1; }
  if (k < at && otherNumber === number && (number < 1 || other === own)) { wins = 1; }
  before = before + wins;
}
return before;`;

/** The position in its row of the element with the wanted rank. */
const pickBody = `${positionText}
${divideText("row", "position", "taken")}
const wanted = position - row * taken;
let found = 0;
for (let k = 0; k < size; k++) {
  if (a[row * size + k] === wanted) { found = k; }
}
return found;`;

const readBody = `${positionText}
${divideText("row", "position", "taken")}
return a[row * size + b[this.thread.x]];`;

/** The largest of each row: ranks by counting, n comparisons for each of n elements. */
export function topKKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    topK([x], [values, indices], { k }) {
      const length = sizeOf(indices!.shape);
      const size = x!.shape.at(-1)!;
      const value = launcher.valueOf(x!);
      if (length === 0) {
        for (const output of [values!, indices!]) launcher.store(output, launcher.constant(0, 0));
        return;
      }
      const ranks = launcher.run(
        program("topK rank", 1, ["size"], () => rankBody),
        sizeOf(x!.shape),
        [value],
        [size],
      );
      const numbers = [k as number, size];
      const pick = program("topK pick", 1, ["taken", "size"], () => pickBody);
      const read = program("topK read", 2, ["taken", "size"], () => readBody);
      const found = launcher.run(pick, length, [ranks], numbers);
      launcher.store(values!, launcher.run(read, length, [value, found], numbers));
      launcher.store(indices!, found);
      ranks.release();
    },
  };
}
