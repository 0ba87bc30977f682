import type { GpuBackend } from "@heed/gpu";
import { conformanceCases } from "@heed/tensor/testing";

/** What the conformance suite found on one backend. */
export interface ConformanceReport {
  readonly passed: number;
  /** `${name}: ${message}` of each case that failed */
  readonly failures: readonly string[];
  /** every `${op}:${kernel}` that ran */
  readonly kernels: readonly string[];
}

export async function runConformance(backend: GpuBackend): Promise<ConformanceReport> {
  let passed = 0;
  const failures: string[] = [];
  const kernels = new Set<string>();
  for (const c of conformanceCases(backend, { largestWholeNumber: 2 ** 24 })) {
    try {
      for (const kernel of (await c.run()).kernels) kernels.add(kernel);
      passed++;
    } catch (error) {
      failures.push(`${c.name}: ${error instanceof Error ? error.message : error}`.slice(0, 500));
    }
  }
  return { passed, failures, kernels: [...kernels].sort() };
}
