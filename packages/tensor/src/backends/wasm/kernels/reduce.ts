import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";

/** Elements of a row that are added in one go. */
const SEGMENT = 2048;
/** Columns added in one go: their totals stay in the first-level cache. */
const COLUMNS = 1024;
/** Elements of a block of whole rows, and of a chunk. */
const CHUNK = 32768;
/** Bounds of the rows of a block: fewer cost too much memory for results, more add up rounding errors. */
const LEAST_ROWS = 32;
const MOST_ROWS = 512;
const NANOSECONDS = 0.15;

const operations = ["sum", "max", "min"] as const;

/** An array [outer, n, inner] to be reduced along n. */
interface Lines {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

/** Reduces along n, perhaps in several steps. */
function reduceLines(runtime: WasmRuntime, kernel: string, x: number, y: number, { outer, n, inner }: Lines): void {
  if (inner === 1) reduceRows(runtime, kernel, x, y, outer, n);
  else reduceColumns(runtime, kernel, x, y, { outer, n, inner });
}

function reduceRows(runtime: WasmRuntime, kernel: string, x: number, y: number, rows: number, n: number): void {
  const segments = Math.max(1, Math.ceil(n / SEGMENT));
  const step = (to: number): void => {
    const perChunk = Math.max(1, Math.floor(CHUNK / Math.max(1, Math.min(n, SEGMENT))));
    const words = [x, to, rows, n, segments, SEGMENT, perChunk];
    runtime.run(`${kernel}Rows`, words, Math.ceil((rows * segments) / perChunk), rows * n * NANOSECONDS);
  };
  if (segments === 1) step(y);
  else {
    runtime.withMemory(rows * segments * 4, (partial) => {
      step(partial);
      reduceRows(runtime, kernel, partial, y, rows, segments);
    });
  }
}

function reduceColumns(runtime: WasmRuntime, kernel: string, x: number, y: number, { outer, n, inner }: Lines): void {
  const length = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.ceil(CHUNK / inner)));
  const segments = n <= 4 * length ? 1 : Math.ceil(n / length);
  const rows = segments === 1 ? n : length;
  const columns = Math.min(inner, COLUMNS);
  const blocks = Math.ceil(inner / columns);
  const step = (to: number): void => {
    const perChunk = Math.max(1, Math.floor(CHUNK / Math.max(1, rows * columns)));
    const words = [x, to, outer, n, inner, segments, rows, blocks, columns, perChunk];
    runtime.run(
      `${kernel}Columns`,
      words,
      Math.ceil((outer * segments * blocks) / perChunk),
      outer * n * inner * NANOSECONDS,
    );
  };
  if (segments === 1) step(y);
  else {
    runtime.withMemory(outer * segments * inner * 4, (partial) => {
      step(partial);
      reduceColumns(runtime, kernel, partial, y, { outer, n: segments, inner });
    });
  }
}

/** Adds the rows of a float32 matrix [rows, columns]. */
export function addRows(runtime: WasmRuntime, x: number, y: number, rows: number, columns: number): void {
  reduceLines(runtime, "sum", x, y, { outer: 1, n: rows, inner: columns });
}

/** The reductions that sorted axes come to, one for each run of neighboring axes, the last first. */
function stepsOf(shape: readonly number[], axes: readonly number[]): Lines[] {
  const sizes = [...shape];
  const steps: Lines[] = [];
  for (let last = axes.length - 1; last >= 0; ) {
    let first = last;
    while (first > 0 && axes[first - 1] === axes[first]! - 1) first--;
    const [from, to] = [axes[first]!, axes[last]! + 1];
    steps.push({
      outer: sizeOf(sizes.slice(0, from)),
      n: sizeOf(sizes.slice(from, to)),
      inner: sizeOf(sizes.slice(to)),
    });
    for (let axis = from; axis < to; axis++) sizes[axis] = 1;
    last = first - 1;
  }
  return steps;
}

function reduceSteps(
  runtime: WasmRuntime,
  kernel: string,
  x: number,
  y: number,
  [step, ...others]: readonly Lines[],
): void {
  if (!step) return;
  if (others.length === 0) reduceLines(runtime, kernel, x, y, step);
  else {
    runtime.withMemory(step.outer * step.inner * 4, (partial) => {
      reduceLines(runtime, kernel, x, partial, step);
      reduceSteps(runtime, kernel, partial, y, others);
    });
  }
}

const linesAt = ({ shape }: Operand, axis: number): Lines => ({
  outer: sizeOf(shape.slice(0, axis)),
  n: shape[axis]!,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** Sums, maxima, minima, their positions, and running sums. */
export function reduceKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const alongLines = (kernel: string, mode: number, x: Operand, y: Operand, axis: number): void => {
    const { outer, n, inner } = linesAt(x, axis);
    const perChunk = Math.max(1, Math.floor(CHUNK / Math.max(1, n)));
    const words = [mode, addressOf(x), addressOf(y), outer, n, inner, perChunk];
    runtime.run(kernel, words, Math.ceil((outer * inner) / perChunk), outer * inner * n * 1.2);
  };
  const kernels: Record<string, Kernel> = {
    argmax([x], [y], { axis }) {
      if (x!.dtype !== "float32" && x!.dtype !== "int32") return false;
      alongLines("argmax", Number(x!.dtype === "int32"), x!, y!, axis as number);
    },
    cumulativeSum([x], [y], { axis, reverse, exclusive }) {
      if (x!.dtype !== "float32" && x!.dtype !== "int32") return false;
      const mode = Number(x!.dtype === "int32") + 2 * Number(reverse === true) + 4 * Number(exclusive === true);
      alongLines("cumulativeSum", mode, x!, y!, axis as number);
    },
  };
  for (const name of operations) {
    kernels[name] = ([x], [y], attributes) => {
      if (x!.dtype !== "float32" && x!.dtype !== "int32") return false;
      const axes = attributes["axes"] as readonly number[];
      const steps = axes.length > 0 ? stepsOf(x!.shape, axes) : [{ outer: sizeOf(x!.shape), n: 1, inner: 1 }];
      reduceSteps(runtime, x!.dtype === "float32" ? name : `${name}Int`, addressOf(x!), addressOf(y!), steps);
    };
  }
  return kernels;
}
