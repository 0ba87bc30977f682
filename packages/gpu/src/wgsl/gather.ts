import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";
import { fill } from "./move.ts";

const params = `struct Params { length : u32, across : u32, inner : u32, size : u32, count : u32 }
@group(0) @binding(0) var<uniform> p : Params;`;

/** An index out of range reads the nearest that is in it: the host cannot see the indices, and nothing reads beyond. */
const gatherProgram = (type: string): WgslProgram => ({
  key: `gather ${type}`,
  code: `${params}
@group(0) @binding(1) var<storage, read> x : array<${type}>;
@group(0) @binding(2) var<storage, read> indices : array<f32>;
@group(0) @binding(3) var<storage, read_write> result : array<${type}>;
${perElement}
let line = i / p.inner;
let row = u32(clamp(i32(indices[line % p.count]), 0, i32(p.size) - 1));
result[i] = x[(line / p.count * p.size + row) * p.inner + i % p.inner];
}`,
  ...{ inputs: 2, outputs: 1 },
});

/**
 * For each update the next one with its index, or its own number where there is none; `starts` gets the first update of
 * each index plus one. Only the first writes there, so no two threads write to one place.
 */
const linkProgram: WgslProgram = {
  key: "scatterAdd links",
  code: `${params}
@group(0) @binding(1) var<storage, read> indices : array<f32>;
@group(0) @binding(2) var<storage, read_write> next : array<u32>;
@group(0) @binding(3) var<storage, read_write> starts : array<u32>;
${perElement}
let own = indices[i];
var after = i + 1u;
while (after < p.count && indices[after] != own) { after++; }
next[i] = select(i, after, after < p.count);
var before = i;
while (before > 0u && indices[before - 1u] != own) { before--; }
if (before == 0u && own >= 0.0 && own < f32(p.size)) { starts[u32(own)] = i + 1u; }
}`,
  ...{ inputs: 1, outputs: 1, updates: 1 },
};

/** Each element of the result follows its updates from the first to the last, so the order of its sum is always the same. */
const chainProgram = (type: string): WgslProgram => ({
  key: `scatterAdd chains ${type}`,
  code: `${params}
@group(0) @binding(1) var<storage, read> updates : array<${type}>;
@group(0) @binding(2) var<storage, read> next : array<u32>;
@group(0) @binding(3) var<storage, read> starts : array<u32>;
@group(0) @binding(4) var<storage, read_write> result : array<${type}>;
${perElement}
let line = i / p.inner;
let column = i % p.inner;
let begin = line / p.size * p.count;
var total = ${type}(0.0);
var at = starts[line % p.size];
while (at != 0u) {
total += updates[(begin + at - 1u) * p.inner + column];
let following = next[at - 1u] + 1u;
at = select(following, 0u, following == at);
}
result[i] = total;
}`,
  ...{ inputs: 3, outputs: 1 },
});

/** Kernels that read or add through indices, four neighbors at once where rows have fours. */
export function gatherWgsl(launcher: Launcher): Record<string, Kernel> {
  const fours = (inner: number) =>
    inner % 4 === 0 ? ({ type: "vec4f", of: 4 } as const) : ({ type: "f32", of: 1 } as const);
  return {
    gather([x, indices], [y], { axis }) {
      const inner = sizeOf(x!.shape.slice((axis as number) + 1));
      const [size, count, length] = [x!.shape[axis as number]!, sizeOf(indices!.shape), sizeOf(y!.shape)];
      if (length === 0) return false;
      const { type, of } = fours(inner);
      const { across, workgroups } = gridOf(launcher, length / of);
      const [found] = launcher.runWgsl(gatherProgram(type), {
        inputs: [launcher.valueOf(x!), launcher.valueOf(indices!)],
        outputLengths: [length],
        params: uniform([length / of, across, inner / of, size, count]),
        workgroups,
      });
      launcher.store(y!, found!);
      return true;
    },
    scatterAdd([updates, indices], [y], { axis, size }) {
      const inner = sizeOf(y!.shape.slice((axis as number) + 1));
      const [count, length, rows] = [sizeOf(indices!.shape), sizeOf(y!.shape), size as number];
      if (length === 0 || count === 0) return false;
      // The bits of 0.0 are those of 0u.
      const starts = fill(launcher, rows, 0);
      const links = gridOf(launcher, count);
      const [next] = launcher.runWgsl(linkProgram, {
        inputs: [launcher.valueOf(indices!)],
        outputLengths: [count],
        updates: [starts],
        params: uniform([count, links.across, inner, rows, count]),
        workgroups: links.workgroups,
      });
      const { type, of } = fours(inner);
      const { across, workgroups } = gridOf(launcher, length / of);
      const [found] = launcher.runWgsl(chainProgram(type), {
        inputs: [launcher.valueOf(updates!), next!, starts],
        outputLengths: [length],
        params: uniform([length / of, across, inner / of, rows, count]),
        workgroups,
      });
      launcher.store(y!, found!);
      next!.release();
      starts.release();
      return true;
    },
  };
}
