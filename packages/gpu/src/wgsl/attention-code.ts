/** What a kernel computes: the result, or the gradient of queries, keys or values. */
export type AttentionKind = "forward" | "dq" | "dk" | "dv";

/** Threads of a workgroup along its own rows and along the others, and how many of each belong to a thread. */
export interface AttentionTile {
  readonly threadRows: number;
  readonly threadColumns: number;
  /** own rows of a thread: 1 or 4 */
  readonly rows: 1 | 4;
  /** columns of a thread: threadColumns * columns is 32, the bits of a word of the mask */
  readonly columns: 1 | 4;
}

/** What distinguishes one code of attention from another. */
export interface AttentionVariant extends AttentionTile {
  readonly kind: AttentionKind;
  /** rows of queries and keys, and rows of values, begin at multiples of four elements */
  readonly alignedKeys: boolean;
  readonly alignedValues: boolean;
  readonly masked: boolean;
  readonly biased: boolean;
  /** vec4f of each row of the result that one thread adds up */
  readonly fours: number;
}

/** Queries or keys that a workgroup looks at together, and bits of a word of the mask. */
export const tileWidth = 32;

/** Finite stand-in for -Infinity, which WGSL may assume away; its negative marks rows that see nothing. */
export const hidden = "-3.0e38";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const each = (count: number, line: (i: number) => string): string => range(count).map(line).join("\n");
const pairs = (v: AttentionVariant, line: (r: number, c: number) => string): string =>
  each(v.rows, (r) => each(v.columns, (c) => line(r, c)));

interface Operand {
  readonly name: string;
  readonly width: "D" | "E";
}

const q: Operand = { name: "q", width: "D" };
const k: Operand = { name: "k", width: "D" };
const values: Operand = { name: "v", width: "E" };
const g: Operand = { name: "g", width: "E" };

/** Operands of a kind in the order of their bindings, without mask and bias. */
const operands: Readonly<Record<AttentionKind, readonly Operand[]>> = {
  forward: [q, k, values],
  dq: [q, k, values, g],
  dk: [q, k, values, g],
  dv: [q, k, g],
};

/** Whose rows are added up with the weights; the result is as wide. */
const added: Readonly<Record<AttentionKind, Operand>> = { forward: values, dq: k, dk: q, dv: g };

const isAligned = (v: AttentionVariant, { width }: Operand): boolean =>
  width === "D" ? v.alignedKeys : v.alignedValues;

/** How four neighbors of a row are read: `row` is where it begins, `at` a multiple of four; zeros stand behind its end. */
function reader(v: AttentionVariant, operand: Operand): string {
  const { name, width } = operand;
  const one = (i: number): string =>
    `select(0.0, ${name}[row + min(at + ${i}u, p.${width} - 1u)], at + ${i}u < p.${width})`;
  const value = isAligned(v, operand) ? `${name}[(row + at) / 4u]` : `vec4f(${range(4).map(one).join(", ")})`;
  return `fn four_${name}(row : u32, at : u32) -> vec4f { return ${value}; }`;
}

/** Buffers that a kernel reads, in order. */
export function inputNames(v: Pick<AttentionVariant, "kind" | "masked" | "biased">): string[] {
  return [
    ...operands[v.kind].map(({ name }) => name),
    ...(v.kind === "forward" ? [] : ["statistics"]),
    ...(v.masked ? ["bits"] : []),
    ...(v.biased ? ["bias"] : []),
  ];
}

function declarations(v: AttentionVariant): string {
  const types: Record<string, string> = { statistics: "vec2f", bits: "u32", bias: "f32" };
  for (const operand of operands[v.kind]) types[operand.name] = isAligned(v, operand) ? "vec4f" : "f32";
  const inputs = inputNames(v);
  const at = inputs.length + 1;
  const type = isAligned(v, added[v.kind]) ? "vec4f" : "f32";
  return `struct Params { T : u32, S : u32, D : u32, E : u32, H : u32, G : u32, scale : f32, words : u32,
  maskBatch : u32, maskHead : u32, biasBatch : u32, biasHead : u32, flags : u32, tilesQ : u32 }
@group(0) @binding(0) var<uniform> p : Params;
${inputs.map((name, i) => `@group(0) @binding(${i + 1}) var<storage, read> ${name} : array<${types[name]}>;`).join("\n")}
@group(0) @binding(${at}) var<storage, read_write> result : array<${type}>;
${v.kind === "forward" ? `@group(0) @binding(${at + 1}) var<storage, read_write> logSumExp : array<f32>;` : ""}
${operands[v.kind].map((operand) => reader(v, operand)).join("\n")}
var<workgroup> weights : array<${v.rows === 4 ? "vec4f" : "f32"}, ${tileWidth * v.threadRows}>;
${v.kind === "forward" ? `var<workgroup> parts : array<f32, ${v.threadRows * v.rows * v.threadColumns}>;` : ""}`;
}

/** Products of own rows with the rows of this tile: `${into}r_c`. */
function products(
  v: AttentionVariant,
  into: string,
  own: Operand,
  other: Operand,
  matrix: { own: string; other: string },
): string {
  const limit = byKeys(v) ? { own: "S", other: "T" } : { own: "T", other: "S" };
  return `${each(v.rows, (r) => `let ${into}own${r} = (${matrix.own} * p.${limit.own} + min(own + ${r}u, p.${limit.own} - 1u)) * p.${own.width};`)}
${each(v.columns, (c) => `let ${into}other${c} = (${matrix.other} * p.${limit.other} + min(other + ${c}u, p.${limit.other} - 1u)) * p.${other.width};`)}
${pairs(v, (r, c) => `var ${into}${r}_${c} = 0.0;`)}
for (var d = 0u; d < p.${own.width}; d += 4u) {
${each(v.rows, (r) => `let x${r} = four_${own.name}(${into}own${r}, d);`)}
${each(v.columns, (c) => `let y${c} = four_${other.name}(${into}other${c}, d);`)}
${pairs(v, (r, c) => `${into}${r}_${c} += dot(x${r}, y${c});`)}
}`;
}

/** Whether the workgroup's own rows are keys; else they are queries. */
const byKeys = ({ kind }: AttentionVariant): boolean => kind === "dk" || kind === "dv";

/** `score_r_c` from the products, and `seen_r_c`: whether the query may see the key. */
function scores(v: AttentionVariant): string {
  const keys = byKeys(v);
  const query = (r: number, c: number): string => `min(${keys ? `other + ${c}u` : `own + ${r}u`}, p.T - 1u)`;
  const key = (r: number, c: number): string => `min(${keys ? `own + ${r}u` : `other + ${c}u`}, p.S - 1u)`;
  // A thread's keys lie in one word: their number divides 32.
  const words = keys
    ? each(v.columns, (c) => `let word${c} = bits[(maskRow + ${query(0, c)}) * p.words + own / 32u] >> (own % 32u);`)
    : each(v.rows, (r) => `let word${r} = bits[(maskRow + ${query(r, 0)}) * p.words + other / 32u] >> (other % 32u);`);
  const bit = (r: number, c: number): string =>
    v.masked ? ` && ((word${keys ? c : r} >> ${keys ? r : c}u) & 1u) == 1u` : "";
  const bias = (r: number, c: number): string =>
    v.biased ? ` + bias[(biasRow + ${query(r, c)}) * p.S + ${key(r, c)}]` : "";
  return `${v.masked ? words : ""}
${pairs(
  v,
  (r, c) => `let seen${r}_${c} = other + ${c}u < p.${keys ? "T" : "S"}${bit(r, c)};
let score${r}_${c} = s${r}_${c} * p.scale${bias(r, c)};`,
)}`;
}

/** Weights of this tile relative to the largest score so far; what was added up before is brought to the same scale. */
function onlineSoftmax(v: AttentionVariant): string {
  const { rows, columns, threadColumns } = v;
  const all = (name: string, r: number): string[] => range(columns).map((c) => `${name}${r}_${c}`);
  return `${pairs(v, (r, c) => `let shown${r}_${c} = select(${hidden}, score${r}_${c}, seen${r}_${c});`)}
${each(rows, (r) => `parts[(local.y * ${rows}u + ${r}u) * ${threadColumns}u + local.x] = ${all("shown", r).reduce((x, y) => `max(${x}, ${y})`)};`)}
workgroupBarrier();
${each(rows, (r) => `var next${r} = top${r};`)}
for (var i = 0u; i < ${threadColumns}u; i++) {
${each(rows, (r) => `next${r} = max(next${r}, parts[(local.y * ${rows}u + ${r}u) * ${threadColumns}u + i]);`)}
}
${pairs(v, (r, c) => `let w${r}_${c} = select(exp(shown${r}_${c} - next${r}), 0.0, shown${r}_${c} <= ${hidden});`)}
${each(
  rows,
  (r) => `let fix${r} = exp(top${r} - next${r});
top${r} = next${r};
total${r} = total${r} * fix${r} + ${all("w", r).join(" + ")};
${each(v.fours, (j) => `sum${r}_${j} *= fix${r};`)}`,
)}`;
}

/** Probabilities from the saved logarithms of sums; for queries and keys the gradients of the scores. */
function savedSoftmax(v: AttentionVariant): string {
  const keys = byKeys(v);
  const statistic = keys
    ? each(v.columns, (c) => `let saved${c} = statistics[matrixQ * p.T + min(other + ${c}u, p.T - 1u)];`)
    : each(v.rows, (r) => `let saved${r} = statistics[matrixQ * p.T + min(own + ${r}u, p.T - 1u)];`);
  return `${statistic}
${pairs(v, (r, c) => {
  const saved = `saved${keys ? c : r}`;
  const prob = `select(0.0, exp(score${r}_${c} - ${saved}.x), seen${r}_${c})`;
  return `let w${r}_${c} = ${prob}${v.kind === "dv" ? "" : ` * (u${r}_${c} - ${saved}.y)`};`;
})}
workgroupBarrier();`;
}

/** One tile: weights of own rows with others, shared in workgroup memory, then the others' rows added up with them. */
function step(v: AttentionVariant): string {
  const { rows, columns, threadRows, threadColumns, fours, kind } = v;
  const keys = byKeys(v);
  const matrices = keys ? { own: "matrixK", other: "matrixQ" } : { own: "matrixQ", other: "matrixK" };
  const weight = (c: number): string =>
    rows === 4
      ? `vec4f(${range(4)
          .map((r) => `w${r}_${c}`)
          .join(", ")})`
      : `w0_${c}`;
  const flag = `bits[p.flags + (maskRow / p.T * p.tilesQ + ${keys ? "start" : "firstOwn"} / 32u) * p.words + ${keys ? "firstOwn" : "start"} / 32u]`;
  const { name, width } = added[kind];
  const count = keys ? "T" : "S";
  return `${v.masked ? `if (${flag} == 0u) { continue; }` : ""}
let other = start + local.x * ${columns}u;
${products(v, "s", keys ? k : q, keys ? q : k, matrices)}
${kind === "dq" || kind === "dk" ? products(v, "u", keys ? values : g, keys ? g : values, matrices) : ""}
${scores(v)}
${kind === "forward" ? onlineSoftmax(v) : savedSoftmax(v)}
${each(columns, (c) => `weights[(local.x * ${columns}u + ${c}u) * ${threadRows}u + local.y] = ${weight(c)};`)}
workgroupBarrier();
let steps = min(${tileWidth}u, p.${count} - start);
for (var i = 0u; i < steps; i++) {
let weight = weights[i * ${threadRows}u + local.y];
let row = (${matrices.other} * p.${count} + start + i) * p.${width};
${each(
  fours,
  (j) => `let value${j} = four_${name}(row, column + ${4 * threadColumns * j}u);
${each(rows, (r) => `sum${r}_${j} = fma(vec4f(${rows === 4 ? `weight[${r}]` : "weight"}), value${j}, sum${r}_${j});`)}`,
)}
}`;
}

/** Divides by the sums of the weights, which the threads of a row hold in parts; rows that see nothing give zeros. */
function finishForward({ rows, threadColumns }: AttentionVariant): string {
  return `workgroupBarrier();
${each(rows, (r) => `parts[(local.y * ${rows}u + ${r}u) * ${threadColumns}u + local.x] = total${r};`)}
workgroupBarrier();
${each(rows, (r) => `var all${r} = 0.0;`)}
for (var i = 0u; i < ${threadColumns}u; i++) {
${each(rows, (r) => `all${r} += parts[(local.y * ${rows}u + ${r}u) * ${threadColumns}u + i];`)}
}
${each(
  rows,
  (r) => `let factor${r} = select(1.0 / all${r}, 0.0, all${r} == 0.0);
if (local.x == 0u && group.z == 0u && own + ${r}u < p.T) {
logSumExp[matrixQ * p.T + own + ${r}u] = select(top${r} + log(all${r}), -(${hidden}), all${r} == 0.0);
}`,
)}`;
}

function store(v: AttentionVariant): string {
  const keys = byKeys(v);
  const { width } = added[v.kind];
  const factor = (r: number): string => (v.kind === "forward" ? `factor${r}` : v.kind === "dv" ? "1.0" : "p.scale");
  const put = (r: number, j: number): string => {
    const at = `column + ${4 * v.threadColumns * j}u`;
    if (isAligned(v, added[v.kind]))
      return `if (${at} < p.${width}) { result[(row${r} + ${at}) / 4u] = value${r}_${j}; }`;
    return each(
      4,
      (i) => `if (${at} + ${i}u < p.${width}) { result[row${r} + ${at} + ${i}u] = value${r}_${j}[${i}]; }`,
    );
  };
  const [matrix, count] = keys ? ["matrixK", "S"] : ["matrixQ", "T"];
  return each(
    v.rows,
    (r) => `if (own + ${r}u < p.${count}) {
let row${r} = (${matrix} * p.${count} + own + ${r}u) * p.${width};
${each(v.fours, (j) => `let value${r}_${j} = sum${r}_${j} * ${factor(r)};\n${put(r, j)}`)}
}`,
  );
}

const rowsOfMask = (
  v: AttentionVariant,
): string => `${v.masked ? "let maskRow = batch * p.maskBatch + head * p.maskHead;" : ""}
${v.biased ? "let biasRow = batch * p.biasBatch + head * p.biasHead;" : ""}`;

/**
 * The code of attention in tiles of 32 queries and 32 keys at most; no more of the scores than one tile is ever held.
 *
 * @see Dao et al. 2022, FlashAttention, algorithms 1 and 4, arXiv:2205.14135. Differs: one kernel for each gradient, so
 *   that no two workgroups add to one place.
 */
export function attentionCode(v: AttentionVariant): string {
  const { rows, threadRows, threadColumns, fours } = v;
  const forward = v.kind === "forward";
  const byQuery = `let matrixQ = group.y; let batch = group.y / p.H; let head = group.y % p.H;
let matrixK = batch * p.G + head / (p.H / p.G);
${rowsOfMask(v)}
for (var start = 0u; start < p.S; start += ${tileWidth}u) {
${step(v)}
}`;
  const byKey = `let matrixK = group.y; let batch = group.y / p.G; let served = p.H / p.G;
for (var turn = 0u; turn < served; turn++) {
let head = (group.y % p.G) * served + turn;
let matrixQ = batch * p.H + head;
${rowsOfMask(v)}
for (var start = 0u; start < p.T; start += ${tileWidth}u) {
${step(v)}
}
}`;
  return `${declarations(v)}
@compute @workgroup_size(${threadColumns}, ${threadRows}, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
let firstOwn = group.x * ${threadRows * rows}u;
let own = firstOwn + local.y * ${rows}u;
let column = group.z * ${4 * threadColumns * fours}u + local.x * 4u;
${each(
  rows,
  (r) => `${forward ? `var top${r} = ${hidden}; var total${r} = 0.0;` : ""}
${each(fours, (j) => `var sum${r}_${j} = vec4f(0.0);`)}`,
)}
${byKeys(v) ? byKey : byQuery}
${forward ? finishForward(v) : ""}
${store(v)}
}`;
}
