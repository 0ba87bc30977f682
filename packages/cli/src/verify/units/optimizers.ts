import {
  adafactor,
  adam,
  adamW,
  clipGlobalNorm,
  cosineSchedule,
  type Optimizer,
  type OptimizerOptions,
  sgd,
} from "@heed/optim";
import { data, dispose, reshape, slice, type Tensor } from "@heed/tensor";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Call = GoldenCase["call"];

/** An optimizer of a case's name: the options it knows, and how it is built. */
interface Builder {
  readonly options: readonly string[];
  readonly build: (call: Call, common: OptimizerOptions & { readonly weightDecay: number }) => Optimizer;
}

const ofAdam = ({ betas, eps }: Call) => ({
  ...(Array.isArray(betas) && { betas: [Number(betas[0]), Number(betas[1])] as const }),
  ...(eps !== undefined && { epsilon: Number(eps) }),
});

/** In this order: the first whose name the case's contains. */
const builders: Readonly<Record<string, Builder>> = {
  adafactor: {
    options: ["eps", "clip_threshold", "decay_rate", "scale_parameter", "relative_step"],
    build: ({ eps, clip_threshold, decay_rate }, common) =>
      adafactor({
        ...common,
        epsilon: Number((eps as readonly number[])[0]),
        clipThreshold: Number(clip_threshold),
        decayPower: -Number(decay_rate),
      }),
  },
  adamw: {
    options: ["betas", "eps", "amsgrad"],
    build: (call, common) => adamW({ ...common, ...ofAdam(call), amsgrad: call["amsgrad"] === true }),
  },
  adam: { options: ["betas", "eps"], build: (call, common) => adam({ ...common, ...ofAdam(call) }) },
  sgd: {
    options: ["momentum", "nesterov"],
    build: ({ momentum, nesterov }, common) =>
      sgd({ ...common, momentum: Number(momentum ?? 0), nesterov: nesterov === true }),
  },
};

const builderOf = (name: string): Builder | undefined =>
  Object.entries(builders).find(([key]) => name.includes(key))?.[1];

const parameterNames = ["matrix", "vector"];
const commonOptions = ["reference", "lr", "weight_decay", "max_norm", "warmup", "total"];

const gradientAt = (all: Tensor, step: number): Tensor => {
  const shape = all.shape.slice(1);
  const one = slice(all, [step, ...shape.map(() => 0)], [1, ...shape]);
  return reshape(one, shape);
};

/** Plays the recorded gradients; the parameters after every step, and the norms before clipping. */
async function replay(golden: GoldenCase): Promise<Map<string, GoldenArray>> {
  const { call, name } = golden;
  const parameters = parameterNames.map((key) => float32(inputOf(golden, `start_${key}`)));
  const recorded = parameterNames.map((key) => float32(inputOf(golden, `gradients_${key}`)));
  const [peak, totalSteps] = [Number(call["lr"]), Number(call["total"])];
  const learningRate =
    call["warmup"] === undefined ? peak : cosineSchedule({ peak, warmupSteps: Number(call["warmup"]), totalSteps });
  const weightDecay = Number(call["weight_decay"] ?? 0);
  const optimizer = builderOf(name)!.build(call, { parameters, learningRate, weightDecay });
  const steps = recorded[0]!.shape[0]!;
  const seen: Record<string, number[]> = { matrix: [], vector: [], total_norm: [] };
  for (let step = 0; step < steps; step++) {
    const gradients = recorded.map((all) => gradientAt(all, step));
    const clip = call["max_norm"] === undefined ? undefined : clipGlobalNorm(gradients, Number(call["max_norm"]));
    optimizer.step(gradients, clip ? { scale: clip.scale } : {});
    if (clip) seen["total_norm"]!.push(...(await data(clip.norm)));
    for (const [i, key] of parameterNames.entries()) seen[key]!.push(...(await data(parameters[i]!)));
    dispose([gradients, clip]);
  }
  const shapes: Record<string, number[]> = { total_norm: [steps] };
  parameterNames.forEach((key, i) => (shapes[key] = [steps, ...parameters[i]!.shape]));
  dispose([parameters, recorded, optimizer.state()]);
  return new Map(
    Object.entries(seen)
      .filter(([, values]) => values.length > 0)
      .map(([key, values]) => [key, { shape: shapes[key]!, values }]),
  );
}

/** `unit-optimizers`: recorded gradients played through an optimizer. */
export const runOptimizers: UnitRunner = {
  refuses: ({ name, call, inputs }) => {
    const builder = builderOf(name);
    if (!builder) return `case ${name} is not supported, expected one of ${Object.keys(builders).join(", ")}`;
    if (call["scale_parameter"] === true || call["relative_step"] === true)
      return "scale_parameter and relative_step are not supported, expected a given learning rate";
    return (
      unknownNames("options", Object.keys(call), [...commonOptions, ...builder.options]) ??
      unknownNames(
        "inputs",
        inputs.keys(),
        parameterNames.flatMap((key) => [`start_${key}`, `gradients_${key}`]),
      )
    );
  },
  run: async (golden) => ({ outputs: await replay(golden) }),
};
