import {
  type Backend,
  createWasmBackend,
  dataSync,
  dispose,
  fromArray,
  item,
  referenceBackend,
  reshape,
  scope,
  slice,
  type Tensor,
  withBackend,
} from "@heed/tensor";
import { expectGolden, type GoldenArray, type GoldenCase, golden } from "@heed/test-tools";
import { describe, test } from "vitest";
import { adamW, clipGlobalNorm, cosineSchedule, type Optimizer, type OptimizerOptions, sgd } from "../src/index.ts";

const fixture = golden("unit-optimizers");

/** The optimizer that a fixture's call names, for the cases that concern adamW and sgd. */
function build(name: string, call: Record<string, unknown>, parameters: readonly Tensor[]): Optimizer | undefined {
  const rate = call["lr"] as number;
  const common: OptimizerOptions = {
    parameters,
    learningRate:
      call["warmup"] === undefined
        ? rate
        : cosineSchedule({ peak: rate, warmupSteps: call["warmup"] as number, totalSteps: call["total"] as number }),
  };
  const weightDecay = (call["weight_decay"] as number | undefined) ?? 0;
  if (name.includes("sgd"))
    return sgd({
      ...common,
      weightDecay,
      momentum: (call["momentum"] as number | undefined) ?? 0,
      nesterov: call["nesterov"] === true,
    });
  if (name.includes("adamw")) {
    const { betas, eps } = call as { betas?: [number, number]; eps?: number };
    return adamW({
      ...common,
      weightDecay,
      ...(betas && { betas }),
      ...(eps !== undefined && { epsilon: eps }),
      amsgrad: call["amsgrad"] === true,
    });
  }
  return undefined;
}

const fromGolden = ({ values, shape }: GoldenArray): Tensor => fromArray(values, shape, { dtype: "float32" });

const gradientAt = (all: Tensor, step: number): Tensor =>
  reshape(slice(all, [step, ...all.shape.slice(1).map(() => 0)], [1, ...all.shape.slice(1)]), all.shape.slice(1));

/** Plays the recorded gradients and compares the parameters after every step. */
function replay({ name, call, inputs, outputs }: GoldenCase): void {
  const names = ["matrix", "vector"];
  const parameters = names.map((key) => fromGolden(inputs[`start_${key}`]!));
  const recorded = names.map((key) => fromGolden(inputs[`gradients_${key}`]!));
  const optimizer = build(name, call, parameters)!;
  const steps = recorded[0]!.shape[0]!;
  const seen: Record<string, number[]> = { matrix: [], vector: [], total_norm: [] };
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const gradients = recorded.map((all) => gradientAt(all, step));
      const clip = call["max_norm"] === undefined ? undefined : clipGlobalNorm(gradients, call["max_norm"] as number);
      if (clip) seen["total_norm"]!.push(item(clip.norm));
      optimizer.step(gradients, clip ? { scale: clip.scale } : {});
      names.forEach((key, i) => seen[key]!.push(...dataSync(parameters[i]!)));
    });
  }
  for (const [key, expected] of Object.entries(outputs))
    expectGolden(Float32Array.from(seen[key]!), expected, `${name} ${key}`);
  dispose([parameters, recorded, optimizer.state()]);
}

const backends: readonly (readonly [string, Backend])[] = [
  ["reference", referenceBackend()],
  ["wasm", createWasmBackend({ threads: 1 })!],
];
/** Played by `heed verify` in the command line's tests, through the same public functions. */
const elsewhere = ["adafactor", "adam"];

describe.each(backends)("unit-optimizers on %s", (_, backend) => {
  for (const golden of fixture?.cases.filter(({ name }) => !elsewhere.includes(name)) ?? []) {
    test(golden.name, () => withBackend(backend, () => replay(golden)));
  }
  if (!fixture) test.skip("the fixture is absent (reason printed above)", () => {});
});
