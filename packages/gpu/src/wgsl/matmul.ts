import { broadcastShapes, type Kernel, type Operand, sizeOf } from "@heed/tensor";
import { batchOf } from "../kernels/matmul.ts";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { type Epilogue, type MatmulVariant, matmulCode, tile } from "./matmul-code.ts";
import { type OneRowVariant, oneRowCode, oneRowElements } from "./one-row.ts";

const programs = new Map<string, WgslProgram>();

/** The program of a variant; its code is written once. */
function programOf<V extends { readonly bias: boolean; readonly activation: Epilogue }>(
  kind: string,
  variant: V,
  codeOf: (variant: V) => string,
): WgslProgram {
  const key = `${kind} ${Object.values(variant).join(" ")}`;
  let program = programs.get(key);
  if (!program) {
    program = {
      key,
      code: codeOf(variant),
      inputs: variant.bias ? 3 : 2,
      outputs: variant.activation === "none" ? 1 : 2,
    };
    programs.set(key, program);
  }
  return program;
}

interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly batch: number;
  readonly a: Value;
  readonly b: Value;
  /** elements from one matrix to the next; 0 where there is one for all */
  readonly stepA: number;
  readonly stepB: number;
  readonly bias?: Value | undefined;
  readonly activation?: Epilogue;
}

/** As `product`, of one row: bound by reading the matrix, so blocks of rows would only compute in vain. */
function oneRow(launcher: Launcher, { a, b, bias, activation = "none", ...shape }: Product): Value[] {
  const { inner, columns, batch, stepA, stepB, transposeB } = shape;
  const variant: OneRowVariant = {
    transposeB,
    aligned: inner % 4 === 0 && (transposeB || columns % 4 === 0),
    shared: !launcher.isSoftware,
    bias: bias !== undefined,
    activation,
  };
  const groups = Math.ceil(columns / oneRowElements(variant));
  const rows = Math.ceil(groups / launcher.wgsl!.workgroupsPerDimension);
  const across = Math.ceil(groups / rows);
  const length = batch * columns;
  return launcher.runWgsl(programOf("one row", variant, oneRowCode), {
    inputs: bias ? [a, b, bias] : [a, b],
    outputLengths: activation === "none" ? [length] : [length, length],
    params: Uint32Array.of(inner, columns, stepA, stepB, across),
    workgroups: [across, rows, batch],
  });
}

/** The product, and where there is an activation also what came before it. The values belong to the caller. */
function product(launcher: Launcher, { a, b, bias, activation = "none", ...shape }: Product): Value[] {
  if (shape.rows === 1) return oneRow(launcher, { a, b, bias, activation, ...shape });
  const { rows, inner, columns, batch, stepA, stepB } = shape;
  const variant: MatmulVariant = {
    transposeA: shape.transposeA,
    transposeB: shape.transposeB,
    alignedA: (shape.transposeA ? rows : inner) % 4 === 0,
    alignedB: (shape.transposeB ? inner : columns) % 4 === 0,
    alignedC: columns % 4 === 0,
    tiled: !launcher.isSoftware,
    bias: bias !== undefined,
    activation,
  };
  const stepC = rows * columns;
  const length = batch * stepC;
  const numbers = [rows, inner, columns, stepA, stepB, stepC, a.length - 1, b.length - 1];
  return launcher.runWgsl(programOf("matmul", variant, matmulCode), {
    inputs: bias ? [a, b, bias] : [a, b],
    outputLengths: activation === "none" ? [length] : [length, length],
    params: Uint32Array.from(numbers),
    workgroups: [Math.ceil(columns / tile.columns), Math.ceil(rows / tile.rows), batch],
  });
}

function matmul(launcher: Launcher): Kernel {
  return ([a, b], [y], { transposeA, transposeB }) => {
    const [rows, columns] = y!.shape.slice(-2) as [number, number];
    const inner = a!.shape.at(transposeA ? -2 : -1)!;
    const shape = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    const batch = sizeOf(shape);
    if (rows * columns * batch * inner === 0 || batch > launcher.wgsl!.workgroupsPerDimension) return false;
    const [left, right] = [batchOf(launcher, a!, shape), batchOf(launcher, b!, shape)];
    const [found] = product(launcher, {
      ...{ rows, inner, columns, batch, transposeA: Boolean(transposeA), transposeB: Boolean(transposeB) },
      ...{ a: left.value, b: right.value, stepA: left.step, stepB: right.step },
    });
    launcher.store(y!, found!);
    left.value.release();
    right.value.release();
    return true;
  };
}

function linear(launcher: Launcher): Kernel {
  return ([x, weight, bias], [y, before], { activation }) => {
    const [rows, inner, columns] = [x!.shape[0]!, weight!.shape[1]!, weight!.shape[0]!];
    if (rows * inner * columns === 0) return false;
    const [result, sum] = product(launcher, {
      ...{ rows, inner, columns, batch: 1, transposeA: false, transposeB: true, stepA: 0, stepB: 0 },
      ...{ a: launcher.valueOf(x!), b: launcher.valueOf(weight!) },
      bias: bias && launcher.valueOf(bias),
      activation: activation as Epilogue,
    });
    launcher.store(y!, result!);
    if (sum) keepOr(launcher, before, sum);
    return true;
  };
}

/** Gives an output its value, or the value back where nobody asked for it. */
function keepOr(launcher: Launcher, output: Operand | undefined, value: Value): void {
  if (output) launcher.store(output, value);
  else value.release();
}

/** Products of matrices, and the linear layer made of one. */
export function matmulWgsl(launcher: Launcher): Record<string, Kernel> {
  return { matmul: matmul(launcher), linear: linear(launcher) };
}
