import { activationCode } from "./activations.ts";
import type { Epilogue } from "./matmul-code.ts";

/** What distinguishes one code of a vector times a matrix from another. */
export interface OneRowVariant {
  /** the matrix is stored by columns of the product: [N, K] */
  readonly transposeB: boolean;
  /** rows of the matrix, as stored, begin at multiples of four elements */
  readonly aligned: boolean;
  /** a workgroup adds up one element of the product; else a thread does: for software adapters */
  readonly shared: boolean;
  readonly bias: boolean;
  readonly activation: Epilogue;
}

/** Threads of a workgroup. */
export const oneRowThreads = 64;

/** Elements of the product that a workgroup computes. */
export const oneRowElements = ({ transposeB, shared }: OneRowVariant): number =>
  transposeB && shared ? 1 : oneRowThreads;

const four = (name: string, aligned: boolean): string =>
  aligned
    ? `fn four_${name}(at : u32) -> vec4f { return ${name}[at / 4u]; }
fn one_${name}(at : u32) -> f32 { return ${name}[at / 4u][at % 4u]; }`
    : `fn four_${name}(at : u32) -> vec4f { return vec4f(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u]); }
fn one_${name}(at : u32) -> f32 { return ${name}[at]; }`;

/** The sum over the inner axis from `first`, four at a time, in steps of `stride`. */
const along = (first: string, stride: string): string => `var sums = vec4f(0.0);
let whole = p.inner / 4u * 4u;
for (var k = ${first}; k < whole; k += ${stride}) { sums = fma(four_a(beginA + k), four_b(beginB + k), sums); }
var sum = sums.x + sums.y + sums.z + sums.w;`;

const rest = "for (var k = whole; k < p.inner; k++) { sum = fma(one_a(beginA + k), one_b(beginB + k), sum); }";

/** Neighboring threads read neighboring parts of one row of the matrix; a tree adds up what they found. */
const sharedSum = `let beginB = batch * p.stepB + column * p.inner;
${along("lane * 4u", `${4 * oneRowThreads}u`)}
if (lane == 0u) { ${rest} }
partial[lane] = sum;
workgroupBarrier();
for (var half = ${oneRowThreads / 2}u; half > 0u; half /= 2u) {
  if (lane < half) { partial[lane] += partial[lane + half]; }
  workgroupBarrier();
}
if (lane > 0u) { return; }
sum = partial[0];`;

const ownSum = `let beginB = batch * p.stepB + column * p.inner;
${along("0u", "4u")}
${rest}`;

/** Stored by inner index: neighboring threads read neighboring columns. */
const columnSum = `var sum = 0.0;
for (var k = 0u; k < p.inner; k++) { sum = fma(one_a(beginA + k), one_b(batch * p.stepB + k * p.columns + column), sum); }`;

/** The code of a vector times a matrix: [1, K] x [K, N], once for each of a batch. */
export function oneRowCode(variant: OneRowVariant): string {
  const { transposeB, aligned, shared, bias, activation } = variant;
  const type = aligned ? "vec4f" : "f32";
  const perGroup = transposeB && shared;
  const inputs = bias ? 3 : 2;
  return `struct Params { inner : u32, columns : u32, stepA : u32, stepB : u32, across : u32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> a : array<${type}>;
@group(0) @binding(2) var<storage, read> b : array<${type}>;
${bias ? "@group(0) @binding(3) var<storage, read> bias : array<f32>;" : ""}
@group(0) @binding(${inputs + 1}) var<storage, read_write> c : array<f32>;
${activation === "none" ? "" : `@group(0) @binding(${inputs + 2}) var<storage, read_write> before : array<f32>;\n${activationCode(activation)}`}
${four("a", aligned)}
${four("b", aligned)}
${perGroup ? `var<workgroup> partial : array<f32, ${oneRowThreads}>;` : ""}
@compute @workgroup_size(${oneRowThreads}, 1, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) lane : u32) {
let batch = group.z;
let place = group.y * p.across + group.x;
let column = ${perGroup ? "place" : `place * ${oneRowThreads}u + lane`};
if (column >= p.columns) { return; }
let beginA = batch * p.stepA;
${perGroup ? sharedSum : transposeB ? ownSum : columnSum}
let at = batch * p.columns + column;
let value = ${bias ? "sum + bias[column]" : "sum"};
${activation === "none" ? "c[at] = value;" : "before[at] = value;\nc[at] = activate(vec4f(value)).x;"}
}`;
}
