import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, type Program, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";
import { stridedCopy, stridesOf } from "./move.ts";

/** Elements that one thread combines before the partial results are combined in turn. */
const blockLength = 256;

/** The reduced axes as one: `count` elements, `inner` apart, in each of `outer` times `inner` groups. */
export interface Lines {
  readonly value: Value;
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

/** Brings the reduced axes together, where they are not neighbors already. The value belongs to the caller. */
export function toLines(launcher: Launcher, x: Operand, axes: readonly number[], copy = stridedCopy): Lines {
  const value = launcher.valueOf(x);
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  const wide = axes.filter((axis) => x.shape[axis] !== 1);
  const [first = 0, last = -1] = [wide[0], wide.at(-1)];
  const between = sizeOf(x.shape.slice(first, last + 1));
  if (between === count) {
    return {
      value: value.retain(),
      outer: sizeOf(x.shape.slice(0, first)),
      count,
      inner: sizeOf(x.shape.slice(last + 1)),
    };
  }
  const strides = stridesOf(x.shape);
  const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const moved = copy(
    launcher,
    value,
    order.map((axis) => x.shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
  return { value: moved, outer: sizeOf(x.shape) / count, count, inner: 1 };
}

/** Where the group of this position begins: `outer` index, block and `inner` index. */
const groupText = `${positionText}
${divideText("line", "position", "inner")}
const column = position - line * inner;
${divideText("outer", "line", "blocks")}
const block = line - outer * blocks;
const begin = block * length;
const steps = Math.min(length, count - begin);
const base = (outer * count + begin) * inner + column;`;

const numberNames = ["count", "inner", "blocks", "length"];

/** What a reduction does with `value`; it starts from the group's first element. The other texts are for NaN. */
export const combineTexts = {
  sum: "total = total + value;",
  max: "if (value > total) { total = value; } else { if (value <= total) { total = total; } else { total = total + value; } }",
  min: "if (value < total) { total = value; } else { if (value >= total) { total = total; } else { total = total + value; } }",
} as const;

type Reduction = keyof typeof combineTexts;

function reducer(name: Reduction): Program {
  return program(
    name,
    1,
    numberNames,
    () => `${groupText}
let total = a[base];
for (let k = 1; k < steps; k++) {
  const value = a[base + k * inner];
  ${combineTexts[name]}
}
return total;`,
  );
}

/** Blocks of `blockLength`, then blocks of their results, until one is left: a fixed order, and errors that grow with its logarithm. */
export function reduceLines(launcher: Launcher, name: Reduction, lines: Lines): Value {
  const { outer, inner } = lines;
  let { value, count } = lines;
  do {
    const blocks = Math.ceil(count / blockLength);
    const next = launcher.run(reducer(name), outer * blocks * inner, [value], [count, inner, blocks, blockLength]);
    value.release();
    value = next;
    count = blocks;
  } while (count > 1);
  return value;
}

const emptyResult = (name: Reduction, dtype: string): number =>
  name === "sum" ? 0 : (dtype === "int32" ? 2 ** 31 : Number.POSITIVE_INFINITY) * (name === "max" ? -1 : 1);

function reduction(launcher: Launcher, name: Reduction): Kernel {
  return ([x], [y], { axes }) => {
    const length = sizeOf(y!.shape);
    if (sizeOf(x!.shape) === 0) launcher.store(y!, launcher.constant(length, emptyResult(name, x!.dtype)));
    else launcher.store(y!, reduceLines(launcher, name, toLines(launcher, x!, axes as number[])));
  };
}

/** The first NaN, else the first of the largest. */
const argmaxBody = `${groupText}
let best = a[base];
let found = 0;
let open = 1;
if (best >= 0 || best < 0) { open = 1; } else { open = 0; }
for (let k = 1; k < steps; k++) {
  const value = a[base + k * inner];
  if (open > 0) {
    if (value > best) { best = value; found = k; } else {
      if (value <= best) { open = 1; } else { best = value; found = k; open = 0; }
    }
  }
}
return found;`;

/** Elements in a row of which each thread adds up those before its own; what comes before them is added once. */
const scanLength = 32;

interface Scan {
  readonly reverse: boolean;
  readonly exclusive: boolean;
}

/** b: the sum of all blocks before this one, where there are several. */
const cumulativeBody = ({ reverse, exclusive }: Scan, blocked: boolean): string => `${positionText}
${divideText("line", "position", "inner")}
const column = position - line * inner;
${divideText("outer", "line", "count")}
const at = line - outer * count;
${divideText("block", "at", "span")}
const base = outer * count * inner + column;
let total = 0 * count;
${
  reverse
    ? `const end = Math.min(count, (block + 1) * span);
const steps = end - at${exclusive ? " - 1" : ""};
for (let k = 0; k < steps; k++) { total = total + a[base + (end - 1 - k) * inner]; }`
    : `const begin = block * span;
const steps = at - begin${exclusive ? "" : " + 1"};
for (let k = 0; k < steps; k++) { total = total + a[base + (begin + k) * inner]; }`
}
return total${blocked ? " + b[(outer * blocks + block) * inner + column]" : ""};`;

/** Sums of blocks, the cumulative sum of those, then each element within its block: work grows with the number of elements. */
function cumulativeSum(launcher: Launcher, { value, outer, count, inner }: Lines, scan: Scan): Value {
  const blocks = Math.ceil(count / scanLength);
  const length = outer * count * inner;
  const blocked = blocks > 1 && length > 0;
  const name = `cumulativeSum${scan.reverse ? " reverse" : ""}${scan.exclusive ? " exclusive" : ""}`;
  const made = program(
    `${name}${blocked ? " of blocks" : ""}`,
    blocked ? 2 : 1,
    ["count", "inner", "span", ...(blocked ? ["blocks"] : [])],
    () => cumulativeBody(scan, blocked),
  );
  if (!blocked) return launcher.run(made, length, [value], [count, inner, scanLength]);
  const sums = launcher.run(reducer("sum"), outer * blocks * inner, [value], [count, inner, blocks, scanLength]);
  const before = cumulativeSum(launcher, { value: sums, outer, count: blocks, inner }, { ...scan, exclusive: true });
  const result = launcher.run(made, length, [value, before], [count, inner, scanLength, blocks]);
  sums.release();
  before.release();
  return result;
}

/** Kernels along axes. */
export function reduceKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    sum: reduction(launcher, "sum"),
    max: reduction(launcher, "max"),
    min: reduction(launcher, "min"),
    argmax([x], [y], { axis }) {
      const { value, count, inner } = toLines(launcher, x!, [axis as number]);
      const made = program("argmax", 1, numberNames, () => argmaxBody);
      launcher.store(y!, launcher.run(made, sizeOf(y!.shape), [value], [count, inner, 1, count]));
      value.release();
    },
    cumulativeSum([x], [y], { axis, reverse, exclusive }) {
      const count = x!.shape[axis as number]!;
      const inner = sizeOf(x!.shape.slice((axis as number) + 1));
      const outer = sizeOf(x!.shape.slice(0, axis as number));
      const lines = { value: launcher.valueOf(x!), outer, count, inner };
      const scan = { reverse: Boolean(reverse), exclusive: Boolean(exclusive) };
      launcher.store(y!, cumulativeSum(launcher, lines, scan));
    },
  };
}
