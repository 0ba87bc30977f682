import type { Backend, BackendBuffer, Kernel, Operand } from "@heed/tensor";
import { createReferenceBackend } from "@heed/tensor";

const view = (backend: Backend, { buffer, dtype, shape }: Operand): Float64Array =>
  backend.hostView!(
    buffer,
    dtype,
    shape.reduce((n, size) => n * size, 1),
  ) as Float64Array;

/** y = softmax of rows, and its backward y (g - sum(g y)). */
function softmaxKernels(backend: Backend): Record<string, Kernel> {
  const softmax: Kernel = ([x], [y]) => {
    const [from, to] = [view(backend, x!), view(backend, y!)];
    const E = x!.shape.at(-1)!;
    for (let row = 0; row < from.length; row += E) {
      const powers = from.subarray(row, row + E).map(Math.exp);
      const total = powers.reduce((sum, power) => sum + power, 0);
      to.set(
        powers.map((power) => power / total),
        row,
      );
    }
  };
  const softmaxBackward: Kernel = ([y, g], [dx]) => {
    const [probs, from, to] = [view(backend, y!), view(backend, g!), view(backend, dx!)];
    const E = y!.shape.at(-1)!;
    for (let row = 0; row < from.length; row += E) {
      let inner = 0;
      for (let i = row; i < row + E; i++) inner += probs[i]! * from[i]!;
      for (let i = row; i < row + E; i++) to[i] = probs[i]! * (from[i]! - inner);
    }
  };
  return { softmax, softmaxBackward };
}

/** Layer norm that saves mean and 1/sqrt(variance + epsilon), and gives only the gradients asked for. */
function layerNormKernels(backend: Backend): Record<string, Kernel> {
  const layerNorm: Kernel = ([x, gain, bias], [y, mean, rstd], { epsilon }) => {
    const [from, scale, to] = [view(backend, x!), view(backend, gain!), view(backend, y!)];
    const shift = bias && view(backend, bias);
    const E = scale.length;
    for (let row = 0; row * E < from.length; row++) {
      const values = from.subarray(row * E, (row + 1) * E);
      const middle = values.reduce((sum, value) => sum + value, 0) / E;
      const inverse =
        1 / Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / E + (epsilon as number));
      view(backend, mean!)[row] = middle;
      view(backend, rstd!)[row] = inverse;
      values.forEach((value, i) => (to[row * E + i] = (value - middle) * inverse * scale[i]! + (shift?.[i] ?? 0)));
    }
  };
  const layerNormBackward: Kernel = ([x, gain, mean, rstd, g], [dx, dgain, dbias]) => {
    const [from, scale, slope] = [view(backend, x!), view(backend, gain!), view(backend, g!)];
    const E = scale.length;
    const [gains, biases] = [new Float64Array(E), new Float64Array(E)];
    for (let row = 0; row * E < from.length; row++) {
      const [middle, inverse] = [view(backend, mean!)[row]!, view(backend, rstd!)[row]!];
      let [first, second] = [0, 0];
      for (let i = 0; i < E; i++) {
        const at = row * E + i;
        const normal = (from[at]! - middle) * inverse;
        gains[i]! += slope[at]! * normal;
        biases[i]! += slope[at]!;
        first += slope[at]! * scale[i]!;
        second += slope[at]! * scale[i]! * normal;
      }
      for (let i = 0; i < E && dx; i++) {
        const at = row * E + i;
        const normal = (from[at]! - middle) * inverse;
        view(backend, dx)[at] = inverse * (slope[at]! * scale[i]! - first / E - (normal * second) / E);
      }
    }
    if (dgain) view(backend, dgain).set(gains);
    if (dbias) view(backend, dbias).set(biases);
  };
  return { layerNorm, layerNormBackward };
}

/** A linear map with relu, saving what was before it. */
function linearKernels(backend: Backend): Record<string, Kernel> {
  const linear: Kernel = ([x, weight, bias], [y, saved], { activation }) => {
    if (activation !== "relu") return false;
    const [N, K] = x!.shape as [number, number];
    const O = weight!.shape[0]!;
    const [from, weights, to] = [view(backend, x!), view(backend, weight!), view(backend, y!)];
    for (let n = 0; n < N; n++)
      for (let o = 0; o < O; o++) {
        let total = bias ? view(backend, bias)[o]! : 0;
        for (let k = 0; k < K; k++) total += from[n * K + k]! * weights[o * K + k]!;
        view(backend, saved!)[n * O + o] = total;
        to[n * O + o] = Math.max(0, total);
      }
    return true;
  };
  return { linear };
}

export interface FakeOptions {
  /** names of kernels to leave out */
  readonly without?: readonly string[];
  /** names of kernels that decline every call */
  readonly declining?: readonly string[];
  readonly strict?: boolean;
  /** memory that the host cannot see */
  readonly hidden?: boolean;
  /** reads asynchronously only; then also hidden */
  readonly asyncOnly?: boolean;
}

/** The reference backend's memory with fused kernels in plain float64, for testing what the engine makes of them. */
export function fakeBackend({
  without = [],
  declining = [],
  strict = false,
  hidden = false,
  asyncOnly = false,
}: FakeOptions = {}): Backend & { readonly live: Set<BackendBuffer> } {
  const memory = createReferenceBackend();
  const all = { ...softmaxKernels(memory), ...layerNormKernels(memory), ...linearKernels(memory) };
  const kernels = Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => !without.includes(name))
      .map(([name, kernel]) => [name, declining.includes(name) ? () => false : kernel]),
  );
  const live = new Set<BackendBuffer>();
  const { hostView, readSync, ...rest } = memory;
  return {
    ...rest,
    ...(!hidden && !asyncOnly && { hostView }),
    ...(!asyncOnly && { readSync }),
    name: "fake",
    kernels,
    strict,
    live,
    allocate(bytes) {
      const buffer = memory.allocate(bytes);
      live.add(buffer);
      return buffer;
    },
    free(buffer) {
      if (!live.delete(buffer)) throw new Error("free: buffer was freed twice");
    },
  };
}
