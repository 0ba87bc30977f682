/** The cases on the GPU: what runs beside what, how large on which adapter, and which ratios are wanted of it. */
import { decodedBytes, GPT2_SMALL, STEP_BABY, STEP_SMALL } from "../cases.ts";
import { stepFlops } from "../gpt.ts";
import { COPIED_BYTES, MULTIPLY_ADD_FLOPS } from "./sides/adapter.ts";
import { attentionFlops, type GpuAttentionTask, type GpuLibrary, type GpuStepTask, type GpuTask } from "./task.ts";

/** Figures that a run's time turns into. */
export interface GpuRate {
  readonly unit: "GFLOP/s" | "GB/s" | "tokens/s" | "us per operation";
  readonly perRun: number;
}

/** One case. */
export interface GpuCase {
  readonly name: string;
  readonly title: string;
  readonly task: GpuTask;
  readonly libraries: readonly GpuLibrary[];
  readonly rate: GpuRate;
  /** Which of the adapter's ceilings the rate stands beside, if any. */
  readonly ceiling?: "copy" | "multiply-add";
  /** Least wanted ratio to a peer; "best of gpu.js" is the faster of its two ways. */
  readonly wanted: Readonly<Partial<Record<GpuPeer, number>>>;
  /** The smaller case that says how long this one takes, and how many times as much work this one is. */
  readonly after?: { readonly name: string; readonly times: number };
}

/** What ratios are against. */
export type GpuPeer = "jax" | "tfjs" | "best of gpu.js";

const peers: readonly GpuLibrary[] = ["heed", "jax", "tfjs"];

/** On a GPU: within 2 times of the best peer, everywhere. Software adapters only rank. */
const withinTwo = (software: boolean): Partial<Record<GpuPeer, number>> => (software ? {} : { jax: 0.5, tfjs: 0.5 });

function matmulCase(n: number): GpuCase {
  return {
    name: `matmul-${n}`,
    title: `matmul float32 [${n}, ${n}] x [${n}, ${n}]`,
    task: { kind: "matmul", n },
    libraries: [...peers, "gpu.js", "gpu.js x4"],
    rate: { unit: "GFLOP/s", perRun: (2 * n ** 3) / 1e9 },
    ceiling: "multiply-add",
    wanted: { jax: 0.8, "best of gpu.js": 2 },
    ...(n > 512 && { after: { name: `matmul-${n / 2}`, times: 8 } }),
  };
}

function attentionCase(software: boolean, gradient: boolean): GpuCase {
  const size = software ? { B: 1, H: 4, T: 256, D: 64 } : { B: 8, H: 12, T: 1024, D: 64 };
  const task: GpuAttentionTask = { kind: "attention", ...size, gradient };
  const { B, H, T, D } = size;
  return {
    name: gradient ? "attention-gradient" : "attention",
    title: `causal attention${gradient ? ", forward and gradient" : ""}: batch ${B}, ${H} heads, ${T} positions, head width ${D}`,
    task,
    libraries: peers,
    rate: { unit: "GFLOP/s", perRun: attentionFlops(task) / 1e9 },
    ceiling: "multiply-add",
    wanted: withinTwo(software),
  };
}

function stepCase(name: string, task: GpuStepTask, software: boolean, after?: GpuCase["after"]): GpuCase {
  const { numLayers, numHeads, dModel, context, vocabSize } = task.shape;
  return {
    name,
    title: `one training step: ${numLayers} layers, ${numHeads} heads, width ${dModel}, context ${context}, batch ${task.batch}, vocabulary ${vocabSize}`,
    task,
    libraries: peers,
    rate: { unit: "GFLOP/s", perRun: stepFlops(task.shape, task.batch) / 1e9 },
    ceiling: "multiply-add",
    wanted: withinTwo(software),
    ...(after && { after }),
  };
}

function decodeCase(software: boolean): GpuCase {
  const [prompt, tokens] = software ? [2, 2] : [32, 32];
  return {
    name: "gpt2-decode",
    title: `GPT-2 small, float32, random weights: ${tokens} tokens after a ${prompt}-token prompt, cached, greedy; ${(decodedBytes / 1e6).toFixed(0)} MB of weights read per token`,
    task: { kind: "decode", shape: GPT2_SMALL, prompt, tokens },
    libraries: peers,
    rate: { unit: "tokens/s", perRun: tokens },
    wanted: withinTwo(software),
  };
}

const OPERATIONS = 100;

/** Every case, in the order they run; smaller ones on an adapter made of software, and their titles say so. */
export function gpuCases(software: boolean): readonly GpuCase[] {
  const [small, baby] = software ? [4, 1] : [16, 64];
  const elements = 2 ** (software ? 22 : 24);
  const ceiling = (kind: "copy" | "multiply-add", title: string, rate: GpuRate): GpuCase => ({
    name: kind,
    title,
    task: { kind },
    libraries: ["adapter"],
    rate,
    wanted: {},
  });
  const smallTask: GpuStepTask = { ...STEP_SMALL, batch: small, losses: 3 };
  const babyTask: GpuStepTask = { ...STEP_BABY, batch: baby, losses: 2 };
  return [
    ceiling("copy", `ceiling: ${COPIED_BYTES / 2 ** 20} MiB copied by a kernel, read and written bytes counted`, {
      unit: "GB/s",
      perRun: (2 * COPIED_BYTES) / 1e9,
    }),
    ceiling("multiply-add", "ceiling: fused multiply-adds of float32 in registers", {
      unit: "GFLOP/s",
      perRun: MULTIPLY_ADD_FLOPS / 1e9,
    }),
    {
      name: "elementwise",
      title: `y = 2 x over ${elements} elements, read and written bytes counted`,
      task: { kind: "elementwise", elements },
      libraries: peers,
      rate: { unit: "GB/s", perRun: (8 * elements) / 1e9 },
      ceiling: "copy",
      wanted: withinTwo(software),
    },
    {
      name: "dispatch",
      title: `${OPERATIONS} additions to four elements, each needing the one before: the cost of an operation that computes nothing`,
      task: { kind: "dispatch", operations: OPERATIONS },
      libraries: peers,
      rate: { unit: "us per operation", perRun: OPERATIONS },
      wanted: withinTwo(software),
    },
    ...[512, 1024, 2048, 4096].map(matmulCase),
    attentionCase(software, false),
    attentionCase(software, true),
    stepCase("step-small", smallTask, software),
    stepCase("step-baby", babyTask, software, {
      name: "step-small",
      times: stepFlops(babyTask.shape, baby) / stepFlops(smallTask.shape, small),
    }),
    decodeCase(software),
  ];
}
