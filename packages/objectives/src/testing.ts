/** The cases that every objective must pass. A plain list: run it under any test framework. */
export type { ContractCase, ObjectiveTraits, Opinion } from "./testing/contract.ts";
export { objectiveContract } from "./testing/contract.ts";
export type { TokenTraitsOptions } from "./testing/token-traits.ts";
export { classLogits, tokenTraits } from "./testing/token-traits.ts";
