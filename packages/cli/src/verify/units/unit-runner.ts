import { cast, dispose, fromArray, keep, multiply, scope, sum, type Tensor, valueAndGradients } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import type { Computed } from "../runners.ts";
import { int32, readAll } from "../support.ts";

/** Computes the cases of a fixture of a part (a loss, a layer, a schedule): there is no model folder, only named weights. */
export interface UnitRunner {
  /** what keeps this runner from doing exactly what was recorded, if anything: it must not compare something else */
  refuses(golden: GoldenCase): string | undefined;
  /** `weights` are those of the case, under the names that the recorded module gave them. */
  run(golden: GoldenCase, weights: ReadonlyMap<string, GoldenArray>): Promise<Computed>;
}

/** A float32 tensor of a fixture's array. */
export const float32 = ({ shape, values }: GoldenArray): Tensor => fromArray(Float32Array.from(values), shape);

/** A bool tensor of a fixture's array: true where it is not 0. */
export const bool = (array: GoldenArray): Tensor => scope(() => cast(int32(array), "bool"));

/** An input that the case cannot do without. */
export function inputOf({ name, inputs }: GoldenCase, input: string): GoldenArray {
  const found = inputs.get(input);
  if (found) return found;
  throw badInput(
    `verify: case ${name} has no input ${input}, expected one of ${[...inputs.keys()].join(", ")}. The fixture is not complete`,
  );
}

/** What a case computes, from tensors that it may differentiate by. */
export interface Computation {
  /** under the names of the recorded gradients; float32 */
  readonly leaves: Readonly<Record<string, Tensor>>;
  /** the outputs by name, built from the leaves */
  forward(): Readonly<Record<string, Tensor>>;
}

/** What the case differentiates: `loss`, `sum(output)` or `sum(output * cotangent)`. */
function quantity(golden: GoldenCase, outputs: Readonly<Record<string, Tensor>>): Tensor {
  const [, summed, cotangent] = /^sum\((\w+)(?: \* (\w+))?\)$/.exec(golden.gradientsOf ?? "") ?? [];
  const output = outputs[summed ?? golden.gradientsOf ?? ""];
  if (!output) {
    throw badInput(
      `verify: case ${golden.name} has gradients of ${golden.gradientsOf}, expected an output or a sum of one, of ${Object.keys(outputs).join(", ")}`,
    );
  }
  if (!summed) return output;
  return sum(cotangent ? multiply(output, float32(inputOf(golden, cotangent))) : output);
}

/** Runs a computation: its outputs, and the gradients that the case recorded. Leaves are freed. */
export async function compute(golden: GoldenCase, { leaves, forward }: Computation): Promise<Computed> {
  let outputs: Record<string, Tensor> = {};
  const run = (): Readonly<Record<string, Tensor>> => {
    const made = forward();
    outputs = Object.fromEntries(Object.entries(made).map(([name, tensor]) => [name, keep(tensor)]));
    return made;
  };
  const wanted = Object.fromEntries(Object.entries(leaves).filter(([name]) => golden.grads.has(name)));
  let gradients: Readonly<Record<string, Tensor>> = {};
  if (Object.keys(wanted).length > 0) {
    const computed = valueAndGradients(() => quantity(golden, run()), wanted);
    // The value may be an output itself, which is read below.
    if (!Object.values(outputs).includes(computed.value)) computed.value.dispose();
    gradients = computed.gradients;
  } else scope(() => void run());
  try {
    return {
      outputs: await readAll(new Map(Object.entries(outputs))),
      grads: await readAll(new Map(Object.entries(gradients))),
    };
  } finally {
    dispose([...Object.values(leaves), ...Object.values(outputs), ...Object.values(gradients)]);
  }
}
