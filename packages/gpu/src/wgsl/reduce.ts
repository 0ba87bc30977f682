import { type Kernel, sizeOf } from "@heed/tensor";
import { type Lines, toLines } from "../kernels/reduce.ts";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";
import { copyStrided } from "./move.ts";

type Reduction = "sum" | "max" | "min";

/** `total` and `value` as one. The innermost is for NaN, which is in no order. */
const combined: Readonly<Record<Reduction, string>> = {
  sum: "total + value",
  max: "select(select(total + value, total, value <= total), value, value > total)",
  min: "select(select(total + value, total, value >= total), value, value < total)",
};

const threads = 64;
/** Elements of a row that one workgroup combines. */
const rowBlock = 16 * threads;
/** Elements that one thread combines by itself. */
const columnBlock = 256;
/** So many of them at a time, then the results: errors of a sum grow with the length of its chains. */
const chain = 16;

const head = (
  name: Reduction,
): string => `struct Params { length : u32, across : u32, count : u32, inner : u32, blocks : u32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read_write> result : array<f32>;
fn combine(total : f32, value : f32) -> f32 { return ${combined[name]}; }`;

/** One thread for each result: neighbors read neighbors where the reduced axis is not the last. */
const columnProgram = (name: Reduction): WgslProgram => ({
  key: `${name} of columns`,
  code: `${head(name)}
${perElement}
let line = i / p.inner;
let begin = line % p.blocks * ${columnBlock}u;
let steps = min(${columnBlock}u, p.count - begin);
let base = (line / p.blocks * p.count + begin) * p.inner + i % p.inner;
var total = 0.0;
for (var k = 0u; k < steps; k += ${chain}u) {
  var part = x[base + k * p.inner];
  let end = min(k + ${chain}u, steps);
  for (var j = k + 1u; j < end; j++) { part = combine(part, x[base + j * p.inner]); }
  if (k == 0u) { total = part; } else { total = combine(total, part); }
}
result[i] = total;
}`,
  ...{ inputs: 1, outputs: 1 },
});

/** One workgroup for each result: its threads take every 64th element of the row, then halve what they have. */
const rowProgram = (name: Reduction): WgslProgram => ({
  key: `${name} of rows`,
  code: `${head(name)}
var<workgroup> totals : array<f32, ${threads}>;
@compute @workgroup_size(${threads}, 1, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
let i = group.y * p.across + group.x;
if (i >= p.length) { return; }
let begin = i % p.blocks * ${rowBlock}u;
let steps = min(${rowBlock}u, p.count - begin);
let base = i / p.blocks * p.count + begin;
if (lane < steps) {
  var total = x[base + lane];
  for (var k = lane + ${threads}u; k < steps; k += ${threads}u) { total = combine(total, x[base + k]); }
  totals[lane] = total;
}
for (var half = ${threads / 2}u; half > 0u; half /= 2u) {
  workgroupBarrier();
  if (lane < half && lane + half < steps) { totals[lane] = combine(totals[lane], totals[lane + half]); }
}
if (lane == 0u) { result[i] = totals[0]; }
}`,
  ...{ inputs: 1, outputs: 1 },
});

/** One pass; the result has one element for each block of each line. */
function pass(launcher: Launcher, name: Reduction, { value, outer, count, inner }: Lines): Value {
  // Barriers cost a processor more than they save.
  const byRows = inner === 1 && count >= threads && !launcher.isSoftware;
  const blocks = Math.ceil(count / (byRows ? rowBlock : columnBlock));
  const length = outer * blocks * inner;
  const limit = launcher.wgsl!.workgroupsPerDimension;
  const width = Math.ceil(length / Math.ceil(length / limit));
  const grid = byRows
    ? { across: width, workgroups: [width, Math.ceil(length / width), 1] as const }
    : gridOf(launcher, length);
  return launcher.runWgsl(byRows ? rowProgram(name) : columnProgram(name), {
    inputs: [value],
    outputLengths: [length],
    params: uniform([length, grid.across, count, inner, blocks]),
    workgroups: grid.workgroups,
  })[0]!;
}

function reduction(launcher: Launcher, name: Reduction): Kernel {
  return ([x], [y], { axes }) => {
    if (sizeOf(x!.shape) === 0) return false;
    const { outer, inner, ...lines } = toLines(launcher, x!, axes as number[], copyStrided);
    let { value, count } = lines;
    while (count > 1) {
      const next = pass(launcher, name, { value, outer, count, inner });
      value.release();
      count = next.length / (outer * inner);
      value = next;
    }
    launcher.store(y!, value);
    return true;
  };
}

/** Sums, maxima and minima: a fixed order, and errors that grow with the logarithm of the count. */
export function reduceWgsl(launcher: Launcher): Record<string, Kernel> {
  return {
    sum: reduction(launcher, "sum"),
    max: reduction(launcher, "max"),
    min: reduction(launcher, "min"),
  };
}
