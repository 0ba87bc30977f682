import {
  constantSchedule,
  cosineRestartsSchedule,
  cosineSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  noamSchedule,
  polynomialSchedule,
  type Schedule,
} from "@heed/optim";
import type { GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import type { UnitRunner } from "./unit-runner.ts";

/** A schedule of a case's name: its options, and how it is built from them. */
interface Builder {
  readonly options: readonly string[];
  readonly build: (option: (name: string) => number) => Schedule;
  /** values that alone are supported */
  readonly only?: Readonly<Record<string, unknown>>;
}

const decay = (option: (name: string) => number) => ({ warmupSteps: option("warmup"), totalSteps: option("total") });

const builders: Readonly<Record<string, Builder>> = {
  constant_warmup: {
    options: ["warmup"],
    build: (option) => constantSchedule({ warmupSteps: option("warmup") }),
  },
  linear: { options: ["warmup", "total"], build: (option) => linearSchedule(decay(option)) },
  cosine: {
    options: ["warmup", "total", "cycles"],
    only: { cycles: 0.5 },
    build: (option) => cosineSchedule(decay(option)),
  },
  cosine_restarts: {
    options: ["warmup", "total", "cycles"],
    build: (option) => cosineRestartsSchedule({ ...decay(option), cycles: option("cycles") }),
  },
  polynomial: {
    options: ["warmup", "total", "lr_end", "power"],
    build: (option) => polynomialSchedule({ ...decay(option), minimum: option("lr_end"), power: option("power") }),
  },
  inverse_sqrt: {
    options: ["warmup", "timescale"],
    build: (option) => inverseSqrtSchedule({ warmupSteps: option("warmup") }),
  },
  noam: {
    options: ["d_model", "factor", "warmup"],
    build: (option) =>
      noamSchedule({ dModel: option("d_model"), factor: option("factor"), warmupSteps: option("warmup") }),
  },
  cosine_annealing: {
    options: ["total", "eta_min"],
    build: (option) => cosineSchedule({ totalSteps: option("total"), minimum: option("eta_min") }),
  },
};

const builderOf = ({ name }: GoldenCase): Builder | undefined =>
  Object.hasOwn(builders, name) ? builders[name] : undefined;

/** `unit-schedules`: learning rates by update. */
export const runSchedules: UnitRunner = {
  refuses: (golden) => {
    const { name, call, inputs } = golden;
    const builder = builderOf(golden);
    if (!builder) return `case ${name} is not supported, expected one of ${Object.keys(builders).join(", ")}`;
    for (const [option, value] of Object.entries(builder.only ?? {}))
      if (call[option] !== value)
        return `${option} ${String(call[option])} of ${name} is not supported, expected ${value}`;
    if (call["timescale"] !== undefined && call["timescale"] !== call["warmup"])
      return `timescale ${String(call["timescale"])} of ${name} is not supported, expected the warm-up, ${String(call["warmup"])}`;
    return (
      unknownNames("options", Object.keys(call), ["reference", ...builder.options]) ??
      unknownNames("inputs", inputs.keys(), [])
    );
  },
  run: async (golden) => {
    const schedule = builderOf(golden)!.build((name) => Number(golden.call[name]));
    const { shape } = golden.outputs.get("schedule")!;
    const values = Array.from({ length: shape[0]! }, (_, update) => schedule(update));
    return { outputs: new Map([["schedule", { shape, values }]]) };
  },
};
