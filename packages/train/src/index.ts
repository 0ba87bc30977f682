export type { Evaluation } from "./evaluate.ts";
export { evaluate } from "./evaluate.ts";
export type { TrainOptions, TrainingStep } from "./loop.ts";
export { train } from "./loop.ts";
export type { ResumableCursor, RunState } from "./run-state.ts";
export { captureRun, restoreRun } from "./run-state.ts";
export type { SampleOptions, Sampler } from "./sampling.ts";
export { greedy, sample } from "./sampling.ts";
