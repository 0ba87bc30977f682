import { type Backend, createMetaBackend, type Kernel, type Operand, sizeOf, withBackend } from "@heed/tensor";

/** Floating-point operations of one operation, from its operands. */
type Cost = (
  inputs: readonly Operand[],
  outputs: readonly (Operand | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
) => number;

/** Two operations for each multiply-add; everything that is not a matrix product counts as nothing, as is usual. */
const costs: Readonly<Record<string, Cost>> = {
  matmul: ([a], [y], { transposeA }) => 2 * sizeOf(y!.shape) * a!.shape.at(transposeA ? -2 : -1)!,
  linear: ([x], [y]) => 2 * sizeOf(y!.shape) * x!.shape.at(-1)!,
  scaledDotProductAttention: ([q, k, v]) =>
    2 * (sizeOf(q!.shape) / q!.shape.at(-1)!) * k!.shape.at(-2)! * (q!.shape.at(-1)! + v!.shape.at(-1)!),
};

/** What a computation costs. */
export interface FlopCount {
  readonly total: number;
  /** by operation, those that cost something */
  readonly byOperation: Readonly<Record<string, number>>;
}

/**
 * Counts the floating-point operations of matrix products in `f` without computing them.
 *
 * `f` runs on a backend of shapes only: it must build its model and inputs itself, and cannot read values. Attention
 * counts all pairs of a query and a key, masked or not. Needs no memory for weights.
 *
 * @see Kaplan et al. 2020, Scaling Laws for Neural Language Models, section 2.1, arXiv:2001.08361: about two operations
 *   per weight and token, and what attention adds.
 * @example
 * countFlops(() => matmul(zeros([2, 3]), zeros([3, 4]))).total; // 48
 */
export function countFlops(f: () => unknown): FlopCount {
  const byOperation: Record<string, number> = {};
  const counting =
    (name: string): Kernel =>
    (inputs, outputs, attributes) => {
      const flops = costs[name]?.(inputs, outputs, attributes) ?? 0;
      if (flops > 0) byOperation[name] = (byOperation[name] ?? 0) + flops;
    };
  const kernels = new Proxy<Record<string, Kernel>>({}, { get: (_, name) => counting(String(name)), has: () => true });
  const backend: Backend = { ...createMetaBackend(), kernels };
  withBackend(backend, f);
  return { total: Object.values(byOperation).reduce((sum, flops) => sum + flops, 0), byOperation };
}
