/**
 * What the tests of every package share: recorded outputs of reference implementations, comparison with a tolerance, naive
 * oracles. Knows nothing of heed's own tensors: it takes and gives plain arrays.
 */
export type { Difference, Tolerance } from "./close.ts";
export { allClose, compare, expectGolden } from "./close.ts";
export type { Golden, GoldenArray, GoldenCase } from "./golden.ts";
export { golden, goldenRoot } from "./golden.ts";
export { finiteDifferences, naiveMatmul, naiveSoftmax, seededNumbers } from "./naive.ts";
export type { PlainArray, PlainTensor } from "./safetensors.ts";
export { readPlainSafetensors } from "./safetensors.ts";
