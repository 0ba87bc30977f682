/** Threads of a workgroup. */
export const rowThreads = 64;

/** Sums and maxima over the 64 threads of a workgroup, in a fixed order; every thread gets them. */
const reduceCode = (
  name: string,
  join: (a: string, b: string) => string,
): string => `fn ${name}(value : f32, lane : u32) -> f32 {
workgroupBarrier();
lanes[lane] = value;
workgroupBarrier();
if (lane < 8u) {
var part = lanes[lane * 8u];
for (var i = 1u; i < 8u; i++) { part = ${join("part", "lanes[lane * 8u + i]")}; }
groups[lane] = part;
}
workgroupBarrier();
var all = groups[0];
for (var i = 1u; i < 8u; i++) { all = ${join("all", "groups[i]")}; }
return all;
}`;

/** What a row kernel is made of. */
export interface RowCode {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** fields of the uniform behind rows, width and across: whole numbers end in "u", others are floats */
  readonly numbers?: readonly string[];
  /** statements that may use `row`, `begin`, `lane`, `sumOf` and `largestOf` */
  readonly body: string;
}

const shared = `var<workgroup> lanes : array<f32, ${rowThreads}>;
var<workgroup> groups : array<f32, 8>;
const step = ${rowThreads}u;
${reduceCode("sumOf", (a, b) => `${a} + ${b}`)}
${reduceCode("largestOf", (a, b) => `max(${a}, ${b})`)}`;

const alone = `const step = 1u;
fn sumOf(value : f32, lane : u32) -> f32 { return value; }
fn largestOf(value : f32, lane : u32) -> f32 { return value; }`;

/**
 * A kernel over rows of `p.width` elements. Threads of a workgroup share a row; with `isShared` false each has its own,
 * for software adapters, where to wait for one another costs more than all else.
 */
export function rowCode({ inputs, outputs, numbers = [], body }: RowCode, isShared: boolean): string {
  const bind = (name: string, i: number, access: string): string =>
    `@group(0) @binding(${i}) var<storage, ${access}> ${name} : array<f32>;`;
  return `struct Params { ${["rows : u32", "width : u32", "across : u32", ...numbers.map((name) => `${name} : f32`)].join(", ")} }
@group(0) @binding(0) var<uniform> p : Params;
${inputs.map((name, i) => bind(name, 1 + i, "read")).join("\n")}
${outputs.map((name, i) => bind(name, 1 + inputs.length + i, "read_write")).join("\n")}
${isShared ? shared : alone}
fn power(x : f32) -> f32 { if (x >= 0.0 || x < 0.0) { return exp(x); } return x; }
fn logarithm(x : f32) -> f32 { if (x > 0.0) { return log(x); } return x; }
@compute @workgroup_size(${rowThreads}, 1, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
let unit = group.y * p.across + group.x;
let row = ${isShared ? "unit" : `unit * ${rowThreads}u + local.x`};
if (group.x >= p.across || row >= p.rows) { return; }
let lane = ${isShared ? "local.x" : "0u"};
let begin = row * p.width;
${body}
}`;
}

/** Statements repeated for the elements of a row that belong to this thread; `i` is the column, `at` the position. */
export const perColumn = (statements: string): string =>
  `for (var i = lane; i < p.width; i += step) { let at = begin + i; ${statements} }`;
