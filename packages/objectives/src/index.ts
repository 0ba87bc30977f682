export type { CausalLMOptions } from "./causal-lm.ts";
export { causalLM } from "./causal-lm.ts";
export type { Example, Objective, SequenceObjective } from "./objective.ts";
export type { PlainArrays } from "./stack-examples.ts";
export { stackExamples } from "./stack-examples.ts";
