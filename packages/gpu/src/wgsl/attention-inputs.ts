import { type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { tileWidth } from "./attention-code.ts";

/** Packs 32 bools into a word; behind all words, for each tile of 32 queries and 32 keys, whether any is true. */
const maskCode = `struct Params { rows : u32, T : u32, S : u32, words : u32, flags : u32, tilesQ : u32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> mask : array<f32>;
@group(0) @binding(2) var<storage, read_write> bits : array<u32>;
var<workgroup> found : array<u32, 32>;
@compute @workgroup_size(32, 1, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
let query = group.y * 32u + local.x;
var word = 0u;
if (query < p.T) {
let row = group.z * p.T + query;
let steps = min(32u, p.S - group.x * 32u);
for (var i = 0u; i < steps; i++) { word |= select(0u, 1u << i, mask[row * p.S + group.x * 32u + i] != 0.0); }
bits[row * p.words + group.x] = word;
}
found[local.x] = word;
workgroupBarrier();
if (local.x == 0u) {
var any = 0u;
for (var i = 0u; i < 32u; i++) { any |= found[i]; }
bits[p.flags + (group.z * p.tilesQ + group.y) * p.words + group.x] = any;
}
}`;

/** For each query the logarithm of its sum and the product of its result with that one's gradient, side by side. */
const statisticsCode = `struct Params { rows : u32, E : u32, width : u32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> y : array<f32>;
@group(0) @binding(2) var<storage, read> logSumExp : array<f32>;
@group(0) @binding(3) var<storage, read> g : array<f32>;
@group(0) @binding(4) var<storage, read_write> statistics : array<vec2f>;
@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id : vec3u) {
let row = id.y * p.width + id.x;
if (row >= p.rows || id.x >= p.width) { return; }
var total = 0.0;
for (var i = 0u; i < p.E; i++) { total = fma(y[row * p.E + i], g[row * p.E + i], total); }
statistics[row] = vec2f(logSumExp[row], total);
}`;

const maskProgram: WgslProgram = { key: "attention mask", code: maskCode, inputs: 1, outputs: 1 };
const statisticsProgram: WgslProgram = { key: "attention statistics", code: statisticsCode, inputs: 3, outputs: 1 };

/** A mask as words of 32 bits, with flags for whole tiles behind them. */
export function packMask(launcher: Launcher, mask: Operand): Value {
  const [, , T, S] = mask.shape as [number, number, number, number];
  const matrices = sizeOf(mask.shape.slice(0, 2));
  const [words, tilesQ] = [Math.ceil(S / tileWidth), Math.ceil(T / tileWidth)];
  const flags = matrices * T * words;
  const [bits] = launcher.runWgsl(maskProgram, {
    inputs: [launcher.valueOf(mask)],
    outputLengths: [flags + matrices * tilesQ * words],
    params: Uint32Array.of(matrices * T, T, S, words, flags, tilesQ),
    workgroups: [words, tilesQ, matrices],
  });
  return bits!;
}

/** For each query the logarithm of its sum, and the product of its result with that one's gradient. */
export function statisticsOf(launcher: Launcher, y: Operand, logSumExp: Operand, g: Operand): Value {
  const rows = sizeOf(logSumExp.shape);
  const groups = Math.ceil(rows / 64);
  const across = Math.min(groups, launcher.wgsl!.workgroupsPerDimension);
  const [statistics] = launcher.runWgsl(statisticsProgram, {
    inputs: [y, logSumExp, g].map((x) => launcher.valueOf(x)),
    outputLengths: [2 * rows],
    params: Uint32Array.of(rows, y.shape[3]!, across * 64),
    workgroups: [across, Math.ceil(groups / across), 1],
  });
  return statistics!;
}
