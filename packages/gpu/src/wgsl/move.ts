import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import { joinAxes } from "../kernels/elementwise.ts";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";

/** A box of elements, and where they lie in the source and in the target. */
interface Move {
  readonly sizes: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly fromOffset?: number;
  readonly toOffset?: number;
}

const stridesOf = (shape: readonly number[]): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function code(rank: number, type: string): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const names = axes.map((axis) => `size${axis} : u32, step${axis} : u32, stride${axis} : u32`);
  const split = axes.map(
    (axis) =>
      `at = rest % p.size${axis}; rest /= p.size${axis}; reading += at * p.step${axis}; writing += at * p.stride${axis};`,
  );
  return `struct Params { ${["length : u32, across : u32, reading : u32, writing : u32", ...names].join(", ")} }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> source : array<${type}>;
@group(0) @binding(2) var<storage, read_write> result : array<${type}>;
${perElement}
var rest = i; var at = 0u; var reading = p.reading; var writing = p.writing;
${split.reverse().join("\n")}
result[writing] = source[reading];
}`;
}

/** The same move of four elements at once, where it is one. */
function inFours({ sizes, from, to, fromOffset = 0, toOffset = 0 }: Move): Move | undefined {
  const last = sizes.length - 1;
  const whole = (strides: readonly number[]): boolean => strides.every((x, axis) => axis === last || x % 4 === 0);
  if (last < 0 || from[last] !== 1 || to[last] !== 1 || sizes[last]! % 4 !== 0) return undefined;
  if (!whole(from) || !whole(to) || fromOffset % 4 !== 0 || toOffset % 4 !== 0) return undefined;
  const quarter = (list: readonly number[]): number[] => list.map((x, axis) => (axis === last ? x : x / 4));
  return {
    sizes: sizes.map((x, axis) => (axis === last ? x / 4 : x)),
    ...{ from: quarter(from), to: quarter(to), fromOffset: fromOffset / 4, toOffset: toOffset / 4 },
  };
}

/** Moves a box into `target`, or into a new value of `target` elements that it fills. */
function moveBox(launcher: Launcher, source: Value, target: Value | number, move: Move): Value {
  const joined = joinAxes(move.sizes, [move.from, move.to]);
  const scalar = { ...move, sizes: joined.sizes, from: joined.strides[0]!, to: joined.strides[1]! };
  const fours = inFours(scalar);
  const { sizes, from, to, fromOffset = 0, toOffset = 0 } = fours ?? scalar;
  const type = fours ? "vec4f" : "f32";
  const isNew = typeof target === "number";
  const program: WgslProgram = {
    key: `move rank ${sizes.length} ${type}${isNew ? "" : " in place"}`,
    code: code(sizes.length, type),
    ...{ inputs: 1, outputs: isNew ? 1 : 0, updates: isNew ? 0 : 1 },
  };
  const length = sizeOf(sizes);
  const { across, workgroups } = gridOf(launcher, length);
  const axes = sizes.flatMap((size, axis) => [size, from[axis]!, to[axis]!]);
  const [made] = launcher.runWgsl(program, {
    inputs: [source],
    outputLengths: isNew ? [target] : [],
    updates: isNew ? [] : [target],
    params: uniform([length, across, fromOffset, toOffset, ...axes]),
    workgroups,
  });
  return made ?? (target as Value);
}

/** Element i of the result is x[offset + index of i dot strides]. The value belongs to the caller. */
export function copyStrided(
  launcher: Launcher,
  x: Value,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Value {
  const length = sizeOf(shape);
  if (length === 0) return launcher.constant(0, 0);
  const { sizes, strides: joined } = joinAxes(shape, [strides]);
  const isWhole = offset === 0 && length === x.length;
  if (isWhole && (sizes.length === 0 || (sizes.length === 1 && joined[0]![0] === 1))) return x.retain();
  return moveBox(launcher, x, length, { sizes: shape, from: strides, to: stridesOf(shape), fromOffset: offset });
}

/** A value of equal elements. */
export function fill(launcher: Launcher, length: number, value: number): Value {
  if (length === 0) return launcher.constant(0, 0);
  const fours = Math.ceil(length / 4);
  const { across, workgroups } = gridOf(launcher, fours);
  const program: WgslProgram = {
    key: "fill",
    code: `struct Params { length : u32, across : u32, value : f32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read_write> result : array<vec4f>;
${perElement}
result[i] = vec4f(p.value);
}`,
    ...{ inputs: 0, outputs: 1 },
  };
  const params = uniform([fours, across], [value]);
  return launcher.runWgsl(program, { inputs: [], outputLengths: [length], params, workgroups })[0]!;
}

/** Writes a whole operand into a box of `target` that begins at `starts`. */
function place(
  launcher: Launcher,
  source: Operand,
  target: Value,
  shape: readonly number[],
  starts: readonly number[],
) {
  const to = stridesOf(shape);
  const move = { sizes: source.shape, from: stridesOf(source.shape), to, toOffset: dot(starts, to) };
  if (sizeOf(source.shape) > 0) moveBox(launcher, launcher.valueOf(source), target, move);
}

/** Kernels that move values without computing. */
export function moveWgsl(launcher: Launcher): Record<string, Kernel> {
  const copy = (x: Operand, y: Operand, strides: readonly number[], offset = 0): void =>
    launcher.store(y, copyStrided(launcher, launcher.valueOf(x), y.shape, strides, offset));
  return {
    permute([x], [y], { order }) {
      const strides = stridesOf(x!.shape);
      const moved = (order as number[]).map((axis) => strides[axis]!);
      copy(x!, y!, moved);
      return true;
    },
    slice([x], [y], { starts }) {
      const strides = stridesOf(x!.shape);
      copy(x!, y!, strides, dot(starts as number[], strides));
      return true;
    },
    split([x], outputs, { axis, sizes }) {
      const strides = stridesOf(x!.shape);
      let first = 0;
      outputs.forEach((y, i) => {
        if (y) copy(x!, y, strides, first * strides[axis as number]!);
        first += (sizes as number[])[i]!;
      });
      return true;
    },
    broadcast([x], [y]) {
      const own = stridesOf(x!.shape);
      const lead = y!.shape.length - x!.shape.length;
      const isStretched = (axis: number): boolean => axis < lead || x!.shape[axis - lead] === 1;
      const strides = y!.shape.map((_, axis) => (isStretched(axis) ? 0 : own[axis - lead]!));
      copy(x!, y!, strides);
      return true;
    },
    pad([x], [y], { before, value }) {
      const target = fill(launcher, sizeOf(y!.shape), value as number);
      place(launcher, x!, target, y!.shape, before as number[]);
      launcher.store(y!, target);
      return true;
    },
    concatenate(inputs, [y], { axis }) {
      const length = sizeOf(y!.shape);
      const only = inputs.find((input) => sizeOf(input.shape) === length);
      if (only) {
        launcher.store(y!, launcher.valueOf(only).retain());
        return true;
      }
      const to = stridesOf(y!.shape);
      let target: Value | undefined;
      let first = 0;
      for (const input of inputs) {
        const toOffset = first * to[axis as number]!;
        const move = { sizes: input.shape, from: stridesOf(input.shape), to, toOffset };
        first += input.shape[axis as number]!;
        if (sizeOf(input.shape) > 0) target = moveBox(launcher, launcher.valueOf(input), target ?? length, move);
      }
      launcher.store(y!, target!);
      return true;
    },
    assignSlice([target, source], _, { starts }) {
      // The source may be the target itself, or share its value: then the target gets a copy of its own.
      const from = launcher.valueOf(source!).retain();
      place(launcher, source!, launcher.exclusive(target!), target!.shape, starts as number[]);
      from.release();
      return true;
    },
  };
}
