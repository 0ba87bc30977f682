/**
 * How time and memory of each attention function grow with the length, from 128 to 8,192 tokens, as fitted exponents.
 *
 * `node --conditions=@heed/source tooling/bench/src/attention-cost.ts [part of a name...]`
 */
import {
  type AttentionFn,
  additiveScore,
  attention,
  blockSparseAttention,
  createDifferentialAttention,
  dotScore,
  linearAttention,
  localWindowAttention,
  scaledDotScore,
  softmaxAttention,
  sparsemaxWeighting,
  topKWeighting,
} from "@heed/attention";
import { attentionCost, fitExponent } from "@heed/attention/testing";
import { normalInit } from "@heed/nn";
import { type Backend, createWasmBackend, dataSync, rng, scope, withBackend } from "@heed/tensor";

const sizes = { numHeads: 2, dHead: 32 };
const lengths = [128, 256, 512, 1024, 2048, 4096, 8192];
/** A call that would hold more is not made. */
const mostBytes = 1.5 * 2 ** 30;
/** After a call that took longer, longer texts are not tried. */
const mostMilliseconds = 4000;
const rounds = 3;

const weight = (): ReturnType<typeof normalInit> => normalInit({ std: 0.1, rng: rng(0) });
const windowSize = 64;

/** Every function with a way to build it. */
const functions: Readonly<Record<string, () => AttentionFn>> = {
  "softmax, fused": () => softmaxAttention(),
  "softmax, observed": () => (q, k, v) => softmaxAttention()(q, k, v, { observe: () => {} }),
  "top 8": () => attention({ score: scaledDotScore(), weigh: topKWeighting({ k: 8 }) }),
  sparsemax: () => attention({ score: dotScore(), weigh: sparsemaxWeighting() }),
  "additive, 16 units": () => {
    const init = weight();
    const [queryWeight, keyWeight] = [init([16, sizes.dHead]), init([16, sizes.dHead])];
    return attention({ score: additiveScore({ queryWeight, keyWeight, vector: init([16]) }) });
  },
  differential: () => createDifferentialAttention({ dHead: sizes.dHead, weight: weight() }),
  linear: () => linearAttention(),
  "linear, causal": () => linearAttention({ causal: true }),
  "local window 64": () => localWindowAttention({ windowSize }),
  "local window 64, causal": () => localWindowAttention({ windowSize, causal: true }),
  "block-sparse, neighbors": () =>
    blockSparseAttention({ blockSize: windowSize, blocks: (i, j) => Math.abs(i - j) < 2 }),
};

/** One call. */
interface Measured {
  readonly length: number;
  /** the fastest of several */
  readonly milliseconds: number;
  /** of all tensors that the call made */
  readonly bytes: number;
}

function time(make: () => AttentionFn, length: number, backend: Backend): number {
  return withBackend(backend, () =>
    scope(() => {
      const fn = make();
      const init = normalInit({ std: 1, rng: rng(1) });
      const [q, k, v] = [0, 1, 2].map(() => init([1, sizes.numHeads, length, sizes.dHead]));
      const times = Array.from({ length: rounds }, () =>
        scope(() => {
          const start = performance.now();
          // reading one value waits for the call
          dataSync(fn(q!, k!, v!));
          return performance.now() - start;
        }),
      );
      return Math.min(...times);
    }),
  );
}

function measure(make: () => AttentionFn, backend: Backend): Measured[] {
  const found: Measured[] = [];
  for (const length of lengths) {
    const { bytes } = attentionCost(make, length, sizes);
    if (bytes > mostBytes) break;
    const milliseconds = time(make, length, backend);
    found.push({ length, milliseconds, bytes });
    if (milliseconds > mostMilliseconds) break;
  }
  return found;
}

/** Exponents of the longer half, where what does not grow with the length no longer hides what does. */
function exponents(all: readonly Measured[]): { time: number; memory: number } {
  const longer = all.filter(({ length }) => length >= 1024);
  const points = longer.length >= 2 ? longer : all;
  const fit = (of: "milliseconds" | "bytes") =>
    fitExponent(points.map((point) => ({ length: point.length, cost: point[of] })));
  return { time: fit("milliseconds"), memory: fit("bytes") };
}

function row(name: string, all: readonly Measured[]): string {
  const { time: slope, memory } = exponents(all);
  const [first, last] = [all[0]!, all.at(-1)!];
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const cells = [
    name,
    slope.toFixed(2),
    memory.toFixed(2),
    first.milliseconds.toFixed(2),
    `${last.milliseconds.toFixed(1)} at ${last.length}`,
    `${megabytes(first.bytes)} to ${megabytes(last.bytes)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

const head = `Cost of attention functions: 1 batch row, ${sizes.numHeads} heads of ${sizes.dHead}, float32, WebAssembly, best of ${rounds}. Exponents: of the length, fitted from 1,024 tokens on.

| function | time ~ n^ | memory ~ n^ | ms at 128 | ms at the longest | MiB |
| --- | --- | --- | --- | --- | --- |`;

/** Prints the table; returns an exit code: 1 if a linear or local function does not grow linearly (exponent above 1.25). */
function runAttentionCost(names: readonly string[] = []): number {
  const backend = createWasmBackend();
  if (!backend)
    throw new RangeError("bench: WebAssembly SIMD is missing, expected an engine that has it. Use a newer Node");
  console.log(head);
  let failed = false;
  for (const [name, make] of Object.entries(functions)) {
    if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
    const all = measure(make, backend);
    console.log(row(name, all));
    const { time: slope, memory } = exponents(all);
    const isLinear = name.startsWith("linear") || name.startsWith("local");
    failed ||= isLinear && (slope > 1.25 || memory > 1.1);
  }
  return failed ? 1 : 0;
}

process.exitCode = runAttentionCost(process.argv.slice(2));
