/** This repository: the WebAssembly backend with a chosen number of threads, with and without its opt-in to 256-bit vectors. */
import { type Backend, createWasmBackend, data, fromArray, matmul, useBackend } from "@heed/tensor";
import { makeBatch, makeWeights } from "../gpt.ts";
import {
  BATCH_SEED,
  type DecodeTask,
  type Job,
  type MatmulTask,
  type PrefillTask,
  type StepTask,
  type Task,
  unsupported,
  WEIGHT_SEED,
} from "../task.ts";
import { promptTokens, sampleOfLogits } from "./generation.ts";
import { lossJob } from "./loss-job.ts";
import { matmulOperands, sampleOfProduct } from "./operands.ts";

type About = Readonly<Record<string, string>>;

function startBackend(threads: number, wide: boolean): Backend {
  const backend = createWasmBackend({ threads, wide });
  if (backend === undefined)
    throw new Error(
      "startBackend: this engine has no WebAssembly SIMD, expected one that has. Run the benchmark on Node 24",
    );
  useBackend(backend);
  return backend;
}

function openMatmul(task: MatmulTask, about: About): Job {
  const { a, b } = matmulOperands(task);
  const left = fromArray(a.values, a.shape);
  const right = fromArray(b.values, b.shape);
  const { transposeA, transposeB } = task;
  return {
    about,
    run: async () => matmul(left, right, { transposeA, transposeB }).dispose(),
    witness: async () => {
      const product = matmul(left, right, { transposeA, transposeB });
      const sample = sampleOfProduct(await data<"float32">(product));
      product.dispose();
      return sample;
    },
  };
}

async function openStep({ shape, batch }: StepTask, about: About): Promise<Job> {
  const { makeStep } = await import("./heed-gpt.ts");
  const { step } = makeStep(shape, makeWeights(shape, WEIGHT_SEED), makeBatch(shape, batch, BATCH_SEED));
  return lossJob(about, step);
}

async function openPrefill({ shape, prompt }: PrefillTask, about: About): Promise<Job> {
  const { makeGenerator } = await import("./heed-gpt.ts");
  const { start } = makeGenerator(shape, makeWeights(shape, WEIGHT_SEED));
  const tokens = promptTokens(shape, prompt);
  let logits = new Float32Array();
  return {
    about,
    run: async () => {
      const continuation = start(tokens, 1);
      logits = new Float32Array(await continuation.next());
      await continuation.close();
    },
    witness: async () => sampleOfLogits(logits),
  };
}

async function openDecode({ shape, prompt, tokens }: DecodeTask, about: About): Promise<Job> {
  const { makeGenerator } = await import("./heed-gpt.ts");
  const { start } = makeGenerator(shape, makeWeights(shape, WEIGHT_SEED));
  const promptIds = promptTokens(shape, prompt);
  let continuation = start(promptIds, tokens + 1);
  let logits = new Float32Array();
  return {
    about,
    prepare: async () => {
      await continuation.close();
      continuation = start(promptIds, tokens + 1);
      await continuation.next();
    },
    run: async () => {
      for (let i = 0; i < tokens; i++) logits = new Float32Array(await continuation.next());
    },
    witness: async () => sampleOfLogits(logits),
  };
}

/** Opens any task but a ceiling. */
export async function open(task: Task, threads: number): Promise<Job> {
  return openOn(startBackend(threads, false), task);
}

/** As `open`, with the 256-bit vectors that V8 makes of our kernels on request. */
export async function openWide(task: Task, threads: number): Promise<Job> {
  return openOn(startBackend(threads, true), task);
}

/** As `open`, on a backend that is in use already. */
export async function openOn(backend: Backend, task: Task): Promise<Job> {
  const { details } = backend.capabilities();
  const about = { heed: "sources", simd: details["simd"] ?? "none", threads: details["threads"] ?? "1" };
  switch (task.kind) {
    case "matmul":
      return openMatmul(task, about);
    case "step":
      return openStep(task, about);
    case "prefill":
      return openPrefill(task, about);
    case "decode":
      return openDecode(task, about);
    default:
      return unsupported("heed", task);
  }
}
