import type { Kernel, Operand } from "@heed/tensor";
import { sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { type Program, program, sizeNames, unravelText } from "../program.ts";
import { binaryTexts, castTexts, unaryTexts } from "./elementwise-texts.ts";

const letters = ["a", "b", "c"] as const;

/** Strides of an operand along the axes of the output, 0 where it is stretched. */
export function stretchedStrides(shape: readonly number[], to: readonly number[]): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const at = axis + to.length - shape.length;
    if (shape[axis] !== 1) strides[at] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Sizes and strides with neighboring axes joined where every operand runs on across them, and axes of size 1 left out. */
export function joinAxes(
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
): { sizes: number[]; strides: number[][] } {
  const joined: { size: number; steps: number[] }[] = [];
  sizes.forEach((size, axis) => {
    if (size === 1) return;
    const steps = strides.map((list) => list[axis]!);
    const last = joined.at(-1);
    if (last?.steps.every((step, i) => step === steps[i]! * size)) {
      last.size *= size;
      last.steps = steps;
    } else joined.push({ size, steps });
  });
  return {
    sizes: joined.map(({ size }) => size),
    strides: strides.map((_, i) => joined.map(({ steps }) => steps[i]!)),
  };
}

type Access = "same" | "one" | "strided";

const accessOf = (operand: Operand, output: readonly number[]): Access => {
  const size = sizeOf(operand.shape);
  return size === sizeOf(output) ? "same" : size === 1 ? "one" : "strided";
};

/** `va`, `vb`, `vc`: the elements that belong to this position. */
function readText(accesses: readonly Access[], rank: number): string {
  const strided = accesses.includes("strided");
  const reads = accesses.map((access, i) => {
    const name = letters[i]!;
    const dot = Array.from({ length: rank }, (_, axis) => `at${axis} * step${name}${axis}`).join(" + ");
    const index = access === "same" ? "this.thread.x" : access === "one" ? "0" : dot;
    return `const v${name} = ${name}[${index}];`;
  });
  return [...(strided ? [unravelText(rank)] : []), ...reads].join("\n");
}

/** One element of the result from `va`, `vb`, `vc`, and the numbers named. */
export interface ElementText {
  readonly text: string;
  readonly numbers?: readonly string[];
}

/** Runs an elementwise text over operands that broadcast to `shape`. */
export function elementwise(
  launcher: Launcher,
  name: string,
  { text, numbers: names = [] }: ElementText,
  inputs: readonly Operand[],
  shape: readonly number[],
  numbers: readonly number[] = [],
) {
  const accesses = inputs.map((input) => accessOf(input, shape));
  const strided = inputs.filter((_, i) => accesses[i] === "strided");
  const { sizes, strides } =
    strided.length > 0
      ? joinAxes(
          shape,
          inputs.map((input) => stretchedStrides(input.shape, shape)),
        )
      : { sizes: [], strides: [] };
  const rank = sizes.length;
  const steps = accesses.flatMap((access, i) => (access === "strided" ? strides[i]! : []));
  const stepNames = accesses.flatMap((access, i) =>
    access === "strided" ? sizes.map((_, axis) => `step${letters[i]}${axis}`) : [],
  );
  const made: Program = program(
    `${name} ${accesses.join(" ")}${rank > 0 ? ` rank ${rank}` : ""}`,
    inputs.length,
    [...sizeNames(rank), ...stepNames, ...names],
    () => `${readText(accesses, rank)}\n${text}`,
    accesses.includes("strided") ? undefined : accesses.map((access) => access === "same"),
  );
  const values = inputs.map((input) => launcher.valueOf(input));
  return launcher.run(made, sizeOf(shape), values, [...sizes.slice(1), ...steps, ...numbers]);
}

/** Kernels whose every element depends on one element of each input. */
export function elementwiseKernels(launcher: Launcher): Record<string, Kernel> {
  const kernel =
    (name: string, text: ElementText, numbers: readonly number[] = []): Kernel =>
    (inputs, [y]) =>
      launcher.store(y!, elementwise(launcher, name, text, inputs, y!.shape, numbers));
  const cast: Kernel = ([x], [y]) => {
    const text =
      y!.dtype === "bool"
        ? castTexts.toBool
        : y!.dtype === "int32" && x!.dtype === "float32"
          ? castTexts.toInt32
          : undefined;
    if (text) launcher.store(y!, elementwise(launcher, `cast to ${y!.dtype}`, { text }, [x!], y!.shape));
    else launcher.store(y!, launcher.valueOf(x!).retain());
  };
  /** The numbers that no text can write: a device may do what it likes with NaN and infinity that it can foresee. */
  const special = (name: string, text: string): Kernel => {
    const numbers = { nan: Number.NaN, infinity: Number.POSITIVE_INFINITY };
    const used = Object.entries(numbers).filter(([number]) => text.includes(number));
    return kernel(
      name,
      { text, numbers: used.map(([number]) => number) },
      used.map(([, value]) => value),
    );
  };
  const all = { ...unaryTexts, ...binaryTexts };
  return {
    ...Object.fromEntries(Object.entries(all).map(([name, text]) => [name, special(name, text)])),
    select: kernel("select", { text: "let taken = vc;\nif (va > 0) { taken = vb; }\nreturn taken;" }),
    cast,
  };
}
