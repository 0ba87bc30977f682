import {
  type Backend,
  createMetaBackend,
  type Kernel,
  type Operand,
  scope,
  sizeOf,
  type Tensor,
  withBackend,
  zeros,
} from "@heed/tensor";
import type { AttentionFn } from "../attention-fn.ts";

/** What a computation takes, counted rather than timed: the same on every machine. */
export interface Cost {
  /** multiplications of matrix products, and elements read or written by everything else, whichever are more */
  readonly work: number;
  /** of all tensors that the computation made */
  readonly bytes: number;
}

type Work = (inputs: readonly Operand[], attributes: Readonly<Record<string, unknown>>) => number;

const products: Readonly<Record<string, Work>> = {
  matmul: ([a, b], { transposeA, transposeB }) => {
    const inner = a!.shape.at(transposeA ? -2 : -1)!;
    const columns = b!.shape.at(transposeB ? -2 : -1)!;
    const batches = Math.max(sizeOf(a!.shape.slice(0, -2)), sizeOf(b!.shape.slice(0, -2)));
    return batches * a!.shape.at(transposeA ? -1 : -2)! * inner * columns;
  },
  scaledDotProductAttention: ([q, , v]) =>
    sizeOf(q!.shape) * v!.shape[2]! + (sizeOf(q!.shape) / q!.shape[3]!) * v!.shape[2]! * v!.shape[3]!,
};

/** Operations that read no more than they write, however large their input. */
const partial = ["slice", "gather", "split"];

/** Counts what a call does, without doing it: its tensors have shapes and no values. */
export function countCost(call: () => void): Cost {
  let [work, bytes] = [0, 0];
  const meta = createMetaBackend();
  const kernelOf =
    (op: string): Kernel =>
    (inputs, outputs, attributes) => {
      const touched = partial.includes(op) ? outputs : [...inputs, ...outputs];
      const elements = touched.map((operand) => (operand ? sizeOf(operand.shape) : 0));
      work += Math.max(products[op]?.(inputs, attributes) ?? 0, ...elements);
    };
  const counting: Backend = {
    ...meta,
    kernels: new Proxy<Record<string, Kernel>>({}, { get: (_, op) => kernelOf(String(op)), has: () => true }),
    allocate: (size) => {
      bytes += size;
      return meta.allocate(size);
    },
  };
  withBackend(counting, () => scope(call));
  return { work, bytes };
}

/** The slope of ln(cost) over ln(length), by least squares: 1 where cost grows with the length, 2 with its square. */
export function fitExponent(points: readonly { readonly length: number; readonly cost: number }[]): number {
  const logs = points.map(({ length, cost }) => [Math.log(length), Math.log(cost)] as const);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(logs.map(([a]) => a)), mean(logs.map(([, b]) => b))];
  return mean(logs.map(([a, b]) => (a - x) * (b - y))) / mean(logs.map(([a]) => (a - x) ** 2));
}

/** Sizes of a call whose cost is counted. */
export interface CallSizes {
  readonly numHeads: number;
  readonly dHead: number;
}

/** What one call over `length` tokens takes, with the weights of the function that `make` builds. */
export function attentionCost(make: () => AttentionFn, length: number, { numHeads, dHead }: CallSizes): Cost {
  return countCost(() => {
    const attention = make();
    const heads = (): Tensor => zeros([1, numHeads, length, dHead]);
    attention(heads(), heads(), heads());
  });
}
