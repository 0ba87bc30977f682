import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import {
  type AttentionKind,
  type AttentionTile,
  type AttentionVariant,
  attentionCode,
  inputNames,
  tileWidth,
} from "./attention-code.ts";
import { packMask, statisticsOf } from "./attention-inputs.ts";

interface Attributes {
  readonly scale: number;
  readonly hasMask: boolean;
  readonly hasBias: boolean;
}

const programs = new Map<string, WgslProgram>();

function programOf(variant: AttentionVariant): WgslProgram {
  const key = `attention ${Object.values(variant).join(" ")}`;
  let program = programs.get(key);
  if (!program) {
    const outputs = variant.kind === "forward" ? 2 : 1;
    program = { key, code: attentionCode(variant), inputs: inputNames(variant).length, outputs };
    programs.set(key, program);
  }
  return program;
}

/** Tiles for many queries, for a few, and for one: no threads for queries that are not there. */
function tileFor(queries: number): AttentionTile {
  if (queries === 1) return { threadRows: 1, threadColumns: 32, rows: 1, columns: 1 };
  if (queries <= 8) return { threadRows: 8, threadColumns: 8, rows: 1, columns: 4 };
  return { threadRows: 8, threadColumns: 8, rows: 4, columns: 4 };
}

/** Rows of a [b, h, T, S] operand between batches and between heads: 0 where it is broadcast. */
function rowSteps(x: Operand | undefined): readonly [number, number] {
  if (!x) return [0, 0];
  const [b, h, T] = x.shape as [number, number, number, number];
  return [b === 1 ? 0 : h * T, h === 1 ? 0 : T];
}

/** Shapes, and the parts that all kernels of one call read. */
interface Call {
  readonly launcher: Launcher;
  readonly values: Readonly<Record<string, Value>>;
  readonly q: Operand;
  readonly v: Operand;
  readonly mask: Operand | undefined;
  readonly bias: Operand | undefined;
  readonly scale: number;
}

function parameters({ q, v, mask, bias, scale }: Call): Uint32Array {
  const [, H, T, D] = q.shape as [number, number, number, number];
  const [, G, S, E] = v.shape as [number, number, number, number];
  const [words, tilesQ] = [Math.ceil(S / tileWidth), Math.ceil(T / tileWidth)];
  const flags = mask ? sizeOf(mask.shape.slice(0, 3)) * words : 0;
  const numbers = [T, S, D, E, H, G, 0, words, ...rowSteps(mask), ...rowSteps(bias), flags, tilesQ];
  const params = Uint32Array.from(numbers);
  new Float32Array(params.buffer)[6] = scale;
  return params;
}

/** Columns of the result that one workgroup adds up at most, as vec4f of each thread. */
const mostFours = 4;

function run(call: Call, kind: AttentionKind): Value[] {
  const { launcher, q, v, values } = call;
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, G, S, E] = v.shape as [number, number, number, number];
  const byKeys = kind === "dk" || kind === "dv";
  const tile = tileFor(byKeys || kind === "dq" ? tileWidth : T);
  const width = kind === "dq" || kind === "dk" ? D : E;
  const fours = Math.min(mostFours, Math.ceil(width / (4 * tile.threadColumns)));
  const variant: AttentionVariant = {
    kind,
    ...tile,
    ...{ alignedKeys: D % 4 === 0, alignedValues: E % 4 === 0 },
    ...{ masked: call.mask !== undefined, biased: call.bias !== undefined, fours },
  };
  const [rows, matrices] = byKeys ? [S, B * G] : [T, B * H];
  const length = matrices * rows * width;
  return launcher.runWgsl(programOf(variant), {
    inputs: inputNames(variant).map((name) => values[name]!),
    outputLengths: kind === "forward" ? [length, matrices * rows] : [length],
    params: parameters(call),
    workgroups: [
      Math.ceil(rows / (tile.threadRows * tile.rows)),
      matrices,
      Math.ceil(width / (4 * tile.threadColumns * fours)),
    ],
  });
}

function callOf(launcher: Launcher, inputs: readonly Operand[], attributes: Attributes): Call {
  const { hasMask, hasBias, scale } = attributes;
  const [q, k, v, ...rest] = inputs as [Operand, Operand, Operand, ...Operand[]];
  const mask = hasMask ? rest.shift() : undefined;
  const bias = hasBias ? rest.shift() : undefined;
  const values: Record<string, Value> = {
    q: launcher.valueOf(q),
    k: launcher.valueOf(k),
    v: launcher.valueOf(v),
    ...(mask && { bits: packMask(launcher, mask) }),
    ...(bias && { bias: launcher.valueOf(bias) }),
  };
  return { launcher, values, q, v, mask, bias, scale };
}

/** Whether there is something to compute and the device takes that many workgroups and buffers; else the composition runs. */
function fits(launcher: Launcher, [q, k, v]: readonly Operand[], buffers: number): boolean {
  const { workgroupsPerDimension, storageBuffers } = launcher.wgsl!;
  const [B, H, T, D] = q!.shape as [number, number, number, number];
  const S = k!.shape[2]!;
  const most = Math.max(B * H, Math.ceil(Math.max(T, S) / tileWidth), T <= 8 ? 1 : Math.ceil(T / tileWidth));
  return sizeOf(v!.shape) * T * H * D > 0 && most <= workgroupsPerDimension && buffers <= storageBuffers;
}

/** Scaled dot-product attention and its gradient. A gradient of the bias is left to the composition. */
export function attentionWgsl(launcher: Launcher): Record<string, Kernel> {
  return {
    scaledDotProductAttention(inputs, [y, logSumExp], attributes) {
      if (!fits(launcher, inputs, inputs.length + 2)) return false;
      const call = callOf(launcher, inputs, attributes as unknown as Attributes);
      const [result, sums] = run(call, "forward");
      launcher.store(y!, result!);
      launcher.store(logSumExp!, sums!);
      call.values["bits"]?.release();
      return true;
    },
    scaledDotProductAttentionBackward(operands, [dq, dk, dv, ...others], attributes) {
      const inputs = operands.slice(0, -3);
      const [y, logSumExp, g] = operands.slice(-3) as [Operand, Operand, Operand];
      const biasGradient = others.some((output) => output !== undefined);
      if (biasGradient || !fits(launcher, operands, inputs.length + 3)) return false;
      const shared = callOf(launcher, inputs, attributes as unknown as Attributes);
      const statistics = statisticsOf(launcher, y, logSumExp, g);
      const call = { ...shared, values: { ...shared.values, g: launcher.valueOf(g), statistics } };
      const wanted: (readonly [AttentionKind, Operand | undefined])[] = [
        ["dq", dq],
        ["dk", dk],
        ["dv", dv],
      ];
      for (const [kind, output] of wanted) if (output) launcher.store(output, run(call, kind)[0]!);
      statistics.release();
      shared.values["bits"]?.release();
      return true;
    },
  };
}
