export type { AdafactorOptions } from "./adafactor.ts";
export { adafactor } from "./adafactor.ts";
export type { AdamOptions } from "./adam.ts";
export { adam } from "./adam.ts";
export type { AdamWOptions } from "./adamw.ts";
export { adamW } from "./adamw.ts";
export { clipGlobalNorm } from "./clip.ts";
export type { Optimizer, OptimizerOptions, OptimizerState, ParameterGroup } from "./optimizer.ts";
export { decayMatricesOnly } from "./optimizer.ts";
export type { DecayOptions, Schedule, WarmupOptions } from "./schedules.ts";
export {
  constantSchedule,
  cosineRestartsSchedule,
  cosineSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  noamSchedule,
  polynomialSchedule,
} from "./schedules.ts";
export type { SgdOptions } from "./sgd.ts";
export { sgd } from "./sgd.ts";
