/** Checks that every backend must pass. Needs no test framework. */
export type { ConformanceCase, ConformanceResult, ConformanceTraits } from "./conformance/cases.ts";
export { conformanceCases } from "./conformance/cases.ts";
export { tolerances } from "./conformance/check.ts";
export type { LedgerRow } from "./conformance/ledger.ts";
export { ledger } from "./conformance/ledger.ts";
