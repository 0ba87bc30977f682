/** The cases: what runs beside what, and which ratios are wanted of it. */

import { CEILING_BYTES, CEILING_FLOPS } from "./ceilings.ts";
import { forwardFlops, type GptShape, stepFlops } from "./gpt.ts";
import type { SideSpec } from "./side.ts";
import { type Library, type MatmulTask, matmulFlops, type StepTask, type Task } from "./task.ts";

/** "`faster` is so many times as fast as `slower`", and how many times is wanted, if anything is. */
export interface Comparison {
  readonly faster: string;
  readonly slower: string;
  readonly wanted?: number;
}

/** A figure that a run's time turns into, beside milliseconds. */
export interface Rate {
  readonly unit: "GFLOP/s" | "GB/s" | "tokens/s";
  /** How many of the unit's thousands of millions (or tokens) one run makes. */
  readonly perRun: number;
}

/** Sides that take turns, and what is read from their times. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly sides: readonly SideSpec[];
  readonly rates: readonly Rate[];
  readonly comparisons: readonly Comparison[];
  /** Rounds unless --rounds says otherwise. */
  readonly rounds: number;
  readonly warmUps: number;
  /** Largest difference between the sides' witnesses; see `disagreement`. */
  readonly tolerance: number;
  /** Which of the machine's ceilings, taking turns with the sides, the speed stands beside. */
  readonly ceiling?: "multiply-add" | "read";
}

/** What the command line chose. */
export interface Choice {
  readonly threads: readonly number[];
  readonly peers: readonly Library[];
}

export const STEP_SMALL: StepTask = {
  kind: "step",
  batch: 16,
  shape: { numLayers: 4, numHeads: 4, dModel: 128, context: 128, vocabSize: 65 },
};
export const STEP_BABY: StepTask = {
  kind: "step",
  batch: 4,
  shape: { numLayers: 6, numHeads: 6, dModel: 384, context: 256, vocabSize: 65 },
};
export const GPT2_SMALL: GptShape = { numLayers: 12, numHeads: 12, dModel: 768, context: 1024, vocabSize: 50257 };

const PROMPT = 128;
const DECODED = 32;

const labelOf = (library: Library, threads: number, detail = ""): string => `${library}${detail} ${threads}t`;

/** Wanted ratio to each peer that takes part; undefined where it takes part without one. */
type Wanted = Partial<Record<Library, number | undefined>>;

interface Pace {
  readonly iterations: number;
  /** Sides so slow that they run once a round, in this many rounds at most. */
  readonly slow?: Partial<Record<Library, number>>;
}

/** tfjs 4.22 computes on one thread whatever it is given; see sides/tfjs.ts. */
const threadsOf = (library: Library, threads: number): number =>
  library === "tfjs" || library === "tfjs-tuned" ? 1 : threads;

/** Heed, plain and wide, beside every peer that takes part, at every number of threads. */
function versus(
  task: Task,
  choice: Choice,
  wanted: Wanted,
  { iterations, slow = {} }: Pace,
): Pick<Case, "sides" | "comparisons"> {
  const peers = choice.peers.filter((peer) => peer in wanted);
  const own: readonly Library[] = choice.peers.includes("heed-wide") ? ["heed", "heed-wide"] : ["heed"];
  const sides = new Map<string, SideSpec>();
  const comparisons: Comparison[] = [];
  for (const threads of choice.threads) {
    for (const library of [...own, ...peers]) {
      const used = threadsOf(library, threads);
      const label = labelOf(library, used);
      const maxRounds = slow[library];
      const pace = maxRounds === undefined ? { iterations } : { iterations: 1, maxRounds };
      sides.set(label, { label, library, task, threads: used, ...pace });
    }
    for (const library of own) {
      for (const peer of peers) {
        const ratio = wanted[peer];
        const pair = { faster: labelOf(library, threads), slower: labelOf(peer, threadsOf(peer, threads)) };
        comparisons.push(ratio === undefined ? pair : { ...pair, wanted: ratio });
      }
    }
  }
  return { sides: [...sides.values()], comparisons };
}

/** The sides that measure a ceiling beside a case, at every number of threads. */
const ceilingSides = (kind: "multiply-add" | "read" | "copy", { threads }: Choice): readonly SideSpec[] =>
  threads.map((count) => ceilingSide(kind, count));

/** How much a second thread gives to each of our own sides. */
const twoToOne = ({ threads, peers }: Choice, wanted: number): readonly Comparison[] => {
  if (!threads.includes(1) || !threads.includes(2)) return [];
  const own: readonly Library[] = peers.includes("heed-wide") ? ["heed", "heed-wide"] : ["heed"];
  return own.map((library) => ({ faster: labelOf(library, 2), slower: labelOf(library, 1), wanted }));
};

function matmulCase(name: string, m: number, k: number, n: number, choice: Choice): Case {
  const task: MatmulTask = { kind: "matmul", m, k, n, transposeA: false, transposeB: false };
  const { sides, comparisons } = versus(task, choice, { tfjs: 1.7, jax: 1.7 }, { iterations: 10 });
  return {
    name,
    title: `matmul float32 [${m}, ${k}] x [${k}, ${n}]`,
    ceiling: "multiply-add",
    sides: [...sides, ...ceilingSides("multiply-add", choice)],
    rates: [{ unit: "GFLOP/s", perRun: matmulFlops(task) / 1e9 }],
    comparisons: [...comparisons, ...twoToOne(choice, 1.7)],
    rounds: 10,
    warmUps: 5,
    tolerance: 1e-3,
  };
}

function transposedCase(name: string, m: number, k: number, n: number, choice: Choice): Case {
  const plain: MatmulTask = { kind: "matmul", m, k, n, transposeA: false, transposeB: false };
  const variants = [
    { detail: " AB", task: plain },
    { detail: " A'B", task: { ...plain, transposeA: true } },
    { detail: " AB'", task: { ...plain, transposeB: true } },
    { detail: " A'B'", task: { ...plain, transposeA: true, transposeB: true } },
  ];
  const sides = choice.threads.flatMap((threads) =>
    variants.map(
      ({ detail, task }): SideSpec => ({
        label: labelOf("heed", threads, detail),
        library: "heed",
        task,
        threads,
        iterations: 10,
      }),
    ),
  );
  const comparisons = choice.threads.flatMap((threads) =>
    variants.slice(1).map(
      ({ detail }): Comparison => ({
        faster: labelOf("heed", threads, detail),
        slower: labelOf("heed", threads, " AB"),
        wanted: 0.9,
      }),
    ),
  );
  return {
    name,
    title: `matmul float32 [${m}, ${k}] x [${k}, ${n}], operands stored transposed (')`,
    ceiling: "multiply-add",
    sides: [...sides, ...ceilingSides("multiply-add", choice)],
    rates: [{ unit: "GFLOP/s", perRun: matmulFlops(plain) / 1e9 }],
    comparisons,
    rounds: 10,
    warmUps: 5,
    tolerance: 1e-3,
  };
}

function stepCase(name: string, task: StepTask, choice: Choice): Case {
  const { numLayers, numHeads, dModel, context, vocabSize } = task.shape;
  const { sides, comparisons } = versus(
    task,
    choice,
    { jax: 2.5, "tfjs-tuned": undefined, tfjs: 6 },
    name === "step-small" ? { iterations: 3, slow: { tfjs: 2 } } : { iterations: 1, slow: { tfjs: 1 } },
  );
  return {
    name,
    title: `one training step: ${numLayers} layers, ${numHeads} heads, width ${dModel}, context ${context}, batch ${task.batch}, vocabulary ${vocabSize}`,
    ceiling: "multiply-add",
    sides: [...sides, ...ceilingSides("multiply-add", choice)],
    rates: [{ unit: "GFLOP/s", perRun: stepFlops(task.shape, task.batch) / 1e9 }],
    comparisons: [...comparisons, ...twoToOne(choice, 1.6)],
    rounds: 5,
    warmUps: 3,
    tolerance: 1e-3,
  };
}

function prefillCase(choice: Choice): Case {
  const task: Task = { kind: "prefill", shape: GPT2_SMALL, prompt: PROMPT };
  const headRows = 2 * GPT2_SMALL.dModel * GPT2_SMALL.vocabSize * (PROMPT - 1);
  const { sides, comparisons } = versus(task, choice, { ort: 1.3 }, { iterations: 1 });
  return {
    name: "gpt2-prefill",
    title: `GPT-2 small, float32, random weights: ${PROMPT}-token prefill, logits of the last position`,
    ceiling: "multiply-add",
    sides: [...sides, ...ceilingSides("multiply-add", choice)],
    comparisons,
    rates: [
      { unit: "GFLOP/s", perRun: (forwardFlops(GPT2_SMALL, 1, PROMPT) - headRows) / 1e9 },
      { unit: "tokens/s", perRun: PROMPT },
    ],
    rounds: 5,
    warmUps: 2,
    tolerance: 1e-3,
  };
}

/** Bytes of weights that one decoded token reads: all but the embeddings of the other tokens and positions; the head reads the former. */
export const decodedBytes: number =
  4 * (GPT2_SMALL.numLayers * 12 * GPT2_SMALL.dModel ** 2 + GPT2_SMALL.vocabSize * GPT2_SMALL.dModel);

function decodeCase(choice: Choice): Case {
  const task: Task = { kind: "decode", shape: GPT2_SMALL, prompt: PROMPT, tokens: DECODED };
  const { sides, comparisons } = versus(task, choice, { ort: 1 }, { iterations: 1 });
  return {
    name: "gpt2-decode",
    title: `GPT-2 small, float32, random weights: ${DECODED} tokens after a ${PROMPT}-token prompt, cached, greedy; beside the machine's bandwidth`,
    ceiling: "read",
    sides: [...sides, ...ceilingSides("read", choice), ...ceilingSides("copy", choice)],
    rates: [
      { unit: "tokens/s", perRun: DECODED },
      { unit: "GB/s", perRun: (DECODED * decodedBytes) / 1e9 },
    ],
    comparisons,
    rounds: 5,
    warmUps: 1,
    tolerance: 1e-3,
  };
}

function ceilingSide(kind: "multiply-add" | "read" | "copy", threads: number): SideSpec {
  return { label: labelOf("machine", threads, ` ${kind}`), library: "machine", task: { kind }, threads, iterations: 3 };
}

function ceilingsCase(choice: Choice): Case {
  return {
    name: "ceilings",
    title: "the machine's ceilings in WebAssembly: multiply-adds in registers, memory read, memory copied",
    sides: choice.threads.flatMap((threads) => [
      ceilingSide("multiply-add", threads),
      ceilingSide("read", threads),
      ceilingSide("copy", threads),
    ]),
    rates: [],
    comparisons: [],
    rounds: 5,
    warmUps: 2,
    tolerance: 0,
  };
}

/** What a ceiling's run comes to: each thread does the whole task, so the rate grows with the threads. */
export function ceilingRate({ task, threads }: SideSpec): Rate | undefined {
  if (task.kind === "multiply-add") return { unit: "GFLOP/s", perRun: (threads * CEILING_FLOPS) / 1e9 };
  if (task.kind === "read" || task.kind === "copy") return { unit: "GB/s", perRun: (threads * CEILING_BYTES) / 1e9 };
  return undefined;
}

/** This tree beside another revision's, whose root is given: the same tasks, and nothing else. */
export function againstCase(chosen: Case, root: string, revision: string): Case {
  const own = chosen.sides.filter(({ library }) => library === "heed");
  const labelThere = (label: string): string => `${label} at ${revision}`;
  return {
    ...chosen,
    sides: own.flatMap((side) => [side, { ...side, label: labelThere(side.label), root }]),
    comparisons: own.map(({ label }) => ({ faster: label, slower: labelThere(label) })),
  };
}

/** Every interleaved case by name, in the order they run. */
export function allCases(choice: Choice): readonly Case[] {
  return [
    ceilingsCase(choice),
    matmulCase("matmul-512", 512, 512, 512, choice),
    matmulCase("matmul-2048", 2048, 128, 512, choice),
    transposedCase("transposed-512", 512, 512, 512, choice),
    transposedCase("transposed-2048", 2048, 128, 512, choice),
    stepCase("step-small", STEP_SMALL, choice),
    stepCase("step-baby", STEP_BABY, choice),
    prefillCase(choice),
    decodeCase(choice),
  ];
}
