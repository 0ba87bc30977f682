export type { CausalLMOptions } from "./causal-lm.ts";
export { causalLM } from "./causal-lm.ts";
export type { Example, Objective } from "./objective.ts";
export { stackExamples } from "./objective.ts";
