import type { GpuBackend } from "@heed/gpu";
import { type ConformanceResult, conformanceCases } from "@heed/tensor/testing";

/** What the conformance suite found on one backend. */
export interface ConformanceReport {
  readonly passed: number;
  /** of each case that passed */
  readonly results: readonly ConformanceResult[];
  /** `${name}: ${message}` of each case that failed */
  readonly failures: readonly string[];
  /** every `${op}:${kernel}` that ran */
  readonly kernels: readonly string[];
}

export async function runConformance(backend: GpuBackend): Promise<ConformanceReport> {
  const results: ConformanceResult[] = [];
  const failures: string[] = [];
  for (const c of conformanceCases(backend, { largestWholeNumber: 2 ** 24 })) {
    try {
      results.push(await c.run());
    } catch (error) {
      failures.push(`${c.name}: ${error instanceof Error ? error.message : error}`.slice(0, 500));
    }
  }
  const kernels = new Set(results.flatMap((result) => result.kernels));
  return { passed: results.length, results, failures, kernels: [...kernels].sort() };
}
