/** The cases that every attention function must pass. A plain list: run it under any test framework. */
import { referenceBackend, withBackend } from "@heed/tensor";
import type { AttentionFn } from "./attention-fn.ts";
import * as checks from "./testing/checks.ts";
import type { HeadInput } from "./testing/inputs.ts";

export type { CallSizes, Cost } from "./testing/cost.ts";
export { attentionCost, countCost, fitExponent } from "./testing/cost.ts";
export { everyAttention } from "./testing/every-attention.ts";
export type { HeadInput, HeadRows } from "./testing/inputs.ts";
export { expectClose } from "./testing/inputs.ts";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** What is particular to the attention function under test. */
export interface AttentionTraits {
  /** the definition in plain loops, written independently: one row per query. The row of one that sees nothing is not read */
  readonly oracle: (head: HeadInput) => number[][];
  /** shows that it becomes a known function in some limit of its inputs or options */
  readonly limit: () => void;
  /** false where the gradient is zero, or a surrogate, by design; default true */
  readonly differentiable?: boolean;
  /** false: it needs all queries at once and says so when called with one; default true */
  readonly cacheable?: boolean;
  /** false where the result is more than probs times values; default true */
  readonly mixes?: boolean;
  /** what becomes of a bias: "added" to the scores, "ignored" with them, "refused" by an error; default "added" */
  readonly bias?: "added" | "ignored" | "refused";
}

/**
 * Cases that every attention function must pass, on the reference backend in float64, with a head width of 4.
 *
 * @param make builds the function under test
 * @see house style, section 10
 * @example
 * import { attentionContract } from "@heed/attention/testing";
 * for (const { name, run } of attentionContract(() => softmaxAttention(), traits)) test(name, run);
 */
export function attentionContract(make: () => AttentionFn, traits: AttentionTraits): ContractCase[] {
  const { differentiable = true, cacheable = true } = traits;
  const stepwise = cacheable ? "stepwise decoding equals one pass" : "says that it cannot decode step by step";
  const cases: Record<string, (attention: AttentionFn, traits: AttentionTraits) => void> = {
    "equals the oracle at a small size": checks.checkOracle,
    ...(differentiable && { "gradient equals finite differences": checks.checkGradient }),
    "hidden keys have no influence": checks.checkMaskedKeys,
    "a query that sees no key gives 0": checks.checkEmptyRow,
    "the future has no influence under a causal mask": checks.checkFuture,
    "batch rows are independent": checks.checkRows,
    "a bias is added to the scores": checks.checkBias,
    "shows scores and probs on request": checks.checkView,
    [stepwise]: checks.checkStepwise,
    "becomes a known function in its limit": () => traits.limit(),
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: () => withBackend(referenceBackend(), () => check(make(), traits)),
  }));
}
