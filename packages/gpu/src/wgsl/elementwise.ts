import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import { joinAxes, stretchedStrides } from "../kernels/elementwise.ts";
import type { Launcher } from "../launch.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";

/** Four neighbors at once, or one element. */
type Unit = "vec4f" | "f32";

const letters = ["a", "b", "c"] as const;

const truth = (condition: string) => (unit: Unit) => `select(${unit}(0.0), ${unit}(1.0), ${condition})`;

/** Expressions of `a`, `b` and `c`, the same for one element and for four. NaN is in no order: what remains is for it. */
const expressions: Readonly<Record<string, (unit: Unit) => string>> = {
  add: () => "a + b",
  subtract: () => "a - b",
  multiply: () => "a * b",
  divide: () => "a / b",
  maximum: () => "select(select(a + b, b, a <= b), a, a > b)",
  minimum: () => "select(select(a + b, b, a >= b), a, a < b)",
  equal: truth("a == b"),
  less: truth("a < b"),
  lessEqual: truth("a <= b"),
  select: (unit) => `select(c, b, a > ${unit}(0.0))`,
  negate: () => "-a",
  abs: () => "abs(a)",
  sign: (unit) => `select(select(a, ${unit}(-1.0), a < ${unit}(0.0)), ${unit}(1.0), a > ${unit}(0.0))`,
  sqrt: () => "sqrt(a)",
  reciprocal: (unit) => `${unit}(1.0) / a`,
  rsqrt: (unit) => `${unit}(1.0) / sqrt(a)`,
};

/** How an operand is read: at the thread's own place, its only element, or by strides, as fours or as one element for all four. */
type Access = "same" | "one" | "strided" | "stretched";

/** The axes that operands have in common, and how each is read along them. */
interface Plan {
  readonly unit: Unit;
  readonly sizes: readonly number[];
  readonly accesses: readonly Access[];
  /** steps along each axis, for each operand */
  readonly strides: readonly (readonly number[])[];
}

const whole = (value: number): boolean => value % 4 === 0;

/** In fours where the last axis consists of them and every operand that runs along it does, too. */
function planOf(inputs: readonly Operand[], shape: readonly number[]): Plan {
  const length = sizeOf(shape);
  const accesses = inputs.map(({ shape: own }): Access => {
    const size = sizeOf(own);
    return size === length ? "same" : size === 1 ? "one" : "strided";
  });
  if (!accesses.includes("strided")) return { unit: "vec4f", sizes: [], accesses, strides: accesses.map(() => []) };
  const all = inputs.map((input) => stretchedStrides(input.shape, shape));
  const { sizes, strides } = joinAxes(shape, all);
  const last = sizes.length - 1;
  const inFours =
    whole(sizes[last]!) &&
    strides.every(
      (steps, i) => accesses[i] !== "strided" || steps[last] === 0 || steps.slice(0, last).every((step) => whole(step)),
    );
  if (!inFours) return { unit: "f32", sizes, accesses, strides };
  return {
    unit: "vec4f",
    sizes: sizes.map((size, axis) => (axis === last ? size / 4 : size)),
    accesses: accesses.map((access, i) => (access === "strided" && strides[i]![last] === 0 ? "stretched" : access)),
    strides: strides.map((steps) =>
      steps[last] === 0 ? steps : steps.map((step, axis) => (axis === last ? step : step / 4)),
    ),
  };
}

const isStrided = (access: Access): boolean => access === "strided" || access === "stretched";

function codeOf(expression: (unit: Unit) => string, { unit, sizes, accesses }: Plan): string {
  const axes = sizes.map((_, axis) => axis);
  const own = accesses.flatMap((access, i) => (isStrided(access) ? [letters[i]!] : []));
  const fields = ["length", "across", ...axes.map((axis) => `size${axis}`)];
  const steps = own.flatMap((letter) => axes.map((axis) => `step${letter}${axis}`));
  const split = [...axes].reverse();
  const typeOf = (access: Access): Unit => (access === "same" || access === "strided" ? unit : "f32");
  const indexOf = (access: Access, i: number): string =>
    access === "same" ? "i" : access === "one" ? "0" : `place${letters[i]}`;
  return `struct Params { ${[...fields, ...steps].map((name) => `${name} : u32`).join(", ")} }
@group(0) @binding(0) var<uniform> p : Params;
${accesses.map((access, i) => `@group(0) @binding(${i + 1}) var<storage, read> input_${letters[i]} : array<${typeOf(access)}>;`).join("\n")}
@group(0) @binding(${accesses.length + 1}) var<storage, read_write> result : array<${unit}>;
${perElement}
${own.map((letter) => `var place${letter} = 0u;`).join("\n")}
${axes.length > 0 ? "var rest = i; var at = 0u;" : ""}
${split.map((axis) => `at = rest % p.size${axis}; rest /= p.size${axis};\n${own.map((letter) => `place${letter} += at * p.step${letter}${axis};`).join(" ")}`).join("\n")}
${accesses.map((access, i) => `let ${letters[i]} = ${unit}(input_${letters[i]}[${indexOf(access, i)}]);`).join("\n")}
result[i] = ${expression(unit)};
}`;
}

const programs = new Map<string, WgslProgram>();

function programOf(op: string, plan: Plan): WgslProgram {
  const key = `${op} ${plan.unit} ${plan.accesses.join(" ")} rank ${plan.sizes.length}`;
  let program = programs.get(key);
  if (!program) {
    program = { key, code: codeOf(expressions[op]!, plan), inputs: plan.accesses.length, outputs: 1 };
    programs.set(key, program);
  }
  return program;
}

/** Most numbers that the uniform of a launch holds. */
const mostNumbers = 64;

/** Arithmetic, comparisons and choices, four neighbors a thread: as fast as the memory, and of any size that a buffer has. */
export function elementwiseWgsl(launcher: Launcher): Record<string, Kernel> {
  const kernel =
    (op: string): Kernel =>
    (inputs, [y]) => {
      const length = sizeOf(y!.shape);
      // A buffer that is too large for a kernel goes to gpu.js's, which run on parts of it.
      if (length === 0 || length > launcher.wgsl!.elementsPerBuffer) return false;
      const plan = planOf(inputs, y!.shape);
      const steps = plan.accesses.flatMap((access, i) => (isStrided(access) ? plan.strides[i]! : []));
      if (2 + plan.sizes.length + steps.length > mostNumbers) return false;
      const count = plan.unit === "vec4f" ? Math.ceil(length / 4) : length;
      const { across, workgroups } = gridOf(launcher, count);
      const [result] = launcher.runWgsl(programOf(op, plan), {
        inputs: inputs.map((input) => launcher.valueOf(input)),
        outputLengths: [length],
        params: uniform([count, across, ...plan.sizes, ...steps]),
        workgroups,
      });
      launcher.store(y!, result!);
      return true;
    };
  return Object.fromEntries(Object.keys(expressions).map((op) => [op, kernel(op)]));
}
