import { activationCode } from "./activations.ts";

/** What follows the product in the same kernel. */
export type Epilogue = "none" | "relu" | "gelu" | "geluTanh" | "silu";

/** What distinguishes one code of a matrix product from another. */
export interface MatmulVariant {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** rows of this operand, as stored, begin at multiples of four elements */
  readonly alignedA: boolean;
  readonly alignedB: boolean;
  readonly alignedC: boolean;
  /** shares tiles among the threads of a workgroup; else every thread loads for itself */
  readonly tiled: boolean;
  readonly bias: boolean;
  readonly activation: Epilogue;
}

/** Threads of a workgroup along rows and columns of the product, and elements of each thread. */
export const threads = { rows: 8, columns: 8 } as const;
export const block = { rows: 8, columns: 4 } as const;
export const tile = { rows: threads.rows * block.rows, columns: threads.columns * block.columns } as const;

const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

/** The declaration of an operand and how four neighbors of a stored row are read: `at` is a multiple of four where aligned. */
function operand(name: string, binding: number, aligned: boolean): string {
  const type = aligned ? "vec4f" : "f32";
  const value = aligned
    ? `return ${name}[at / 4u];`
    : `return vec4f(${name}[at], ${name}[min(at + 1u, end)], ${name}[min(at + 2u, end)], ${name}[min(at + 3u, end)]);`;
  return `@group(0) @binding(${binding}) var<storage, read> ${name} : array<${type}>;
fn four_${name}(at : u32, end : u32) -> vec4f { ${value} }`;
}

const one = (name: string, aligned: boolean): string =>
  `fn one_${name}(at : u32) -> f32 { return ${aligned ? `${name}[at / 4u][at % 4u]` : `${name}[at]`}; }`;

/**
 * Loads of one step of four along the inner axis. Afterwards `a_k0` .. `a_k3` hold, for each of the four, the block's rows
 * as two vec4f, and `b0` .. `b3` its columns as one.
 */
function loadA({ transposeA }: MatmulVariant): string {
  const rows = block.rows / 4;
  if (transposeA) {
    // Stored by inner index: the block's rows lie side by side.
    return each(4, (k) =>
      each(rows, (r) => `let a_${k}_${r} = four_a(beginA + (k + ${k}u) * p.rows + firstRow${r}, endA);`),
    );
  }
  return each(
    rows,
    (r) => `${each(4, (i) => `let rowA_${4 * r + i} = four_a(startA${4 * r + i} + k, endA);`)}
let turned_${r} = transpose(mat4x4f(${[0, 1, 2, 3].map((i) => `rowA_${4 * r + i}`).join(", ")}));
${each(4, (k) => `let a_${k}_${r} = turned_${r}[${k}];`)}`,
  );
}

function loadB({ transposeB }: MatmulVariant): string {
  if (!transposeB) return each(4, (k) => `let b_${k} = four_b(beginB + (k + ${k}u) * p.columns + firstColumn, endB);`);
  return `${each(4, (j) => `let columnB_${j} = four_b(startB${j} + k, endB);`)}
let turnedB = transpose(mat4x4f(columnB_0, columnB_1, columnB_2, columnB_3));
${each(4, (k) => `let b_${k} = turnedB[${k}];`)}`;
}

const multiplyFour = each(4, (k) =>
  each(block.rows, (r) => `sum${r} = fma(vec4f(a_${k}_${Math.floor(r / 4)}[${r % 4}]), b_${k}, sum${r});`),
);

/** One more inner index, element by element: what is left behind the last multiple of four. */
function multiplyOne({ transposeA, transposeB }: MatmulVariant): string {
  const a = (r: number): string => (transposeA ? `one_a(beginA + k * p.rows + row${r})` : `one_a(startA${r} + k)`);
  const b = (j: number): string =>
    transposeB ? `one_b(startB${j} + k)` : `one_b(beginB + k * p.columns + column${j})`;
  return `let right = vec4f(${[0, 1, 2, 3].map(b).join(", ")});
${each(block.rows, (r) => `sum${r} = fma(vec4f(${a(r)}), right, sum${r});`)}`;
}

/** Every thread loads what it needs: for devices whose workgroup memory is no faster than the rest, as software adapters. */
function directLoop(variant: MatmulVariant): string {
  return `let whole = p.inner / 4u * 4u;
for (var k = 0u; k < whole; k += 4u) {
${loadA(variant)}
${loadB(variant)}
${multiplyFour}
}
for (var k = whole; k < p.inner; k++) {
${multiplyOne(variant)}
}`;
}

/** Inner indices that a workgroup loads at once. */
const depth = 16;

/** A workgroup loads tiles of both operands into its memory, where zeros stand for what is outside. */
function tiledLoop({ transposeA, transposeB }: MatmulVariant): string {
  const count = threads.rows * threads.columns;
  const a = transposeA ? "beginA + inner * p.rows + row" : "beginA + row * p.inner + inner";
  const b = transposeB ? "beginB + column * p.inner + inner" : "beginB + inner * p.columns + column";
  // Neighboring threads read neighboring elements of the stored rows.
  const splitA = transposeA
    ? `let innerAt = i / ${tile.rows}u; let rowAt = i % ${tile.rows}u;`
    : `let rowAt = i / ${depth}u; let innerAt = i % ${depth}u;`;
  const splitB = transposeB
    ? `let columnAt = i / ${depth}u; let innerAt = i % ${depth}u;`
    : `let innerAt = i / ${tile.columns}u; let columnAt = i % ${tile.columns}u;`;
  return `let thread = local.y * ${threads.columns}u + local.x;
for (var start = 0u; start < p.inner; start += ${depth}u) {
  for (var i = thread; i < ${tile.rows * depth}u; i += ${count}u) {
    ${splitA}
    let row = group.y * ${tile.rows}u + rowAt; let inner = start + innerAt;
    var value = 0.0;
    if (row < p.rows && inner < p.inner) { value = one_a(${a}); }
    tileA[innerAt * ${tile.rows}u + rowAt] = value;
  }
  for (var i = thread; i < ${tile.columns * depth}u; i += ${count}u) {
    ${splitB}
    let column = group.x * ${tile.columns}u + columnAt; let inner = start + innerAt;
    var value = 0.0;
    if (column < p.columns && inner < p.inner) { value = one_b(${b}); }
    tileB[innerAt * ${tile.columns}u + columnAt] = value;
  }
  workgroupBarrier();
  for (var k = 0u; k < ${depth}u; k++) {
    let atB = k * ${tile.columns}u + local.x * 4u;
    let right = vec4f(tileB[atB], tileB[atB + 1u], tileB[atB + 2u], tileB[atB + 3u]);
    let atA = k * ${tile.rows}u + local.y * ${block.rows}u;
${each(block.rows, (r) => `    sum${r} = fma(vec4f(tileA[atA + ${r}u]), right, sum${r});`)}
  }
  workgroupBarrier();
}`;
}

/** Writes one row of the block. */
function store(r: number, { alignedC, bias, activation }: MatmulVariant): string {
  const put = (target: string, value: string): string =>
    alignedC
      ? `${target}[at / 4u] = ${value};`
      : each(4, (j) => `if (firstColumn + ${j}u < p.columns) { ${target}[at + ${j}u] = ${value}[${j}]; }`);
  return `if (firstRow0 + ${r}u < p.rows) {
let at = p.stepC * batch + (firstRow0 + ${r}u) * p.columns + firstColumn;
let value = ${bias ? `sum${r} + added` : `sum${r}`};
${activation === "none" ? put("c", "value") : `${put("before", "value")}\nlet activated = activate(value);\n${put("c", "activated")}`}
}`;
}

/** The code of a matrix product. */
export function matmulCode(variant: MatmulVariant): string {
  const { tiled, alignedA, alignedB, alignedC, bias, activation } = variant;
  const inputs = bias ? 3 : 2;
  const outputType = alignedC ? "vec4f" : "f32";
  const rows = Array.from({ length: block.rows }, (_, r) => r);
  const biased = [0, 1, 2, 3].map((j) => `bias[min(firstColumn + ${j}u, p.columns - 1u)]`).join(", ");
  return `struct Params { rows : u32, inner : u32, columns : u32, stepA : u32, stepB : u32, stepC : u32, endA : u32, endB : u32 }
@group(0) @binding(0) var<uniform> p : Params;
${operand("a", 1, alignedA)}
${one("a", alignedA)}
${operand("b", 2, alignedB)}
${one("b", alignedB)}
${bias ? "@group(0) @binding(3) var<storage, read> bias : array<f32>;" : ""}
@group(0) @binding(${inputs + 1}) var<storage, read_write> c : array<${outputType}>;
${activation === "none" ? "" : `@group(0) @binding(${inputs + 2}) var<storage, read_write> before : array<${outputType}>;\n${activationCode(activation)}`}
${tiled ? `var<workgroup> tileA : array<f32, ${tile.rows * depth}>;\nvar<workgroup> tileB : array<f32, ${tile.columns * depth}>;` : ""}
@compute @workgroup_size(${threads.columns}, ${threads.rows}, 1)
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_id) local : vec3u) {
let batch = group.z;
let firstRow0 = (group.y * ${threads.rows}u + local.y) * ${block.rows}u;
let firstColumn = (group.x * ${threads.columns}u + local.x) * ${block.columns}u;
${tiled ? "" : "if (firstRow0 >= p.rows || firstColumn >= p.columns) { return; }"}
let beginA = batch * p.stepA;
let beginB = batch * p.stepB;
let endA = p.endA;
let endB = p.endB;
${tiled ? "" : addresses(variant)}
${rows.map((r) => `var sum${r} = vec4f(0.0);`).join("\n")}
${tiled ? tiledLoop(variant) : directLoop(variant)}
${tiled ? "if (firstRow0 >= p.rows || firstColumn >= p.columns) { return; }" : ""}
${bias ? `let added = vec4f(${biased});` : ""}
${rows.map((r) => store(r, variant)).join("\n")}
}`;
}

/** Where the rows and columns of a thread's block begin; those outside stand on the last one, and are not written. */
function addresses({ transposeA, transposeB }: MatmulVariant): string {
  const rows = Array.from({ length: block.rows }, (_, r) => `let row${r} = min(firstRow0 + ${r}u, p.rows - 1u);`);
  const columns = [0, 1, 2, 3].map((j) => `let column${j} = min(firstColumn + ${j}u, p.columns - 1u);`);
  const starts = [
    ...(transposeA
      ? Array.from({ length: block.rows / 4 }, (_, r) =>
          r === 0 ? "" : `let firstRow${r} = min(firstRow0 + ${4 * r}u, p.rows - 1u);`,
        )
      : rows.map((_, r) => `let startA${r} = beginA + row${r} * p.inner;`)),
    ...(transposeB ? columns.map((_, j) => `let startB${j} = beginB + column${j} * p.inner;`) : []),
  ];
  return [...rows, ...columns, ...starts].join("\n");
}
