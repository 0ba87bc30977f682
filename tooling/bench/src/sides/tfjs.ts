/**
 * TensorFlow.js on its wasm backend, SIMD build, one thread. Release 4.22 has no other: its threaded build computes on one thread
 * whatever is asked for (its own issue 8513; seen here too: two threads started, `getThreadsCount` 1, the same time).
 */
import type * as TfCore from "@tensorflow/tfjs-core";
import { makeBatch, makeWeights } from "../gpt.ts";
import { BATCH_SEED, type Job, type MatmulTask, type Task, unsupported, WEIGHT_SEED } from "../task.ts";
import { lossJob } from "./loss-job.ts";
import { matmulOperands, sampleOfProduct } from "./operands.ts";
import { packageVersion } from "./package-version.ts";
import { loadTf } from "./tfjs-library.ts";

async function load(): Promise<{ tf: typeof TfCore; about: Record<string, string> }> {
  const { tf, wasm } = await loadTf();
  await tf.setBackend("wasm");
  await tf.ready();
  return {
    tf,
    about: {
      tfjs: packageVersion("@tensorflow/tfjs-core"),
      backend: tf.getBackend(),
      threads: String(wasm.getThreadsCount()),
    },
  };
}

/** A product; operands stored transposed are turned first, which is far faster in this backend than its transpose flags. */
function openMatmul(tf: typeof TfCore, task: MatmulTask, about: Record<string, string>): Job {
  const { a, b } = matmulOperands(task);
  const left = tf.tensor2d(a.values, [...a.shape]);
  const right = tf.tensor2d(b.values, [...b.shape]);
  const product = (): TfCore.Tensor2D =>
    tf.tidy(() =>
      tf.matMul(task.transposeA ? tf.transpose(left) : left, task.transposeB ? tf.transpose(right) : right),
    );
  return {
    about,
    run: async () => product().dispose(),
    witness: async () => sampleOfProduct(await product().data()),
  };
}

async function openWith(task: Task, tuned: boolean): Promise<Job> {
  const { tf, about } = await load();
  if (task.kind === "matmul") return openMatmul(tf, task, about);
  if (task.kind !== "step") return unsupported(tuned ? "tfjs-tuned" : "tfjs", task);
  const { makeStep } = await import("./tfjs-gpt.ts");
  const weights = makeWeights(task.shape, WEIGHT_SEED);
  return lossJob(about, makeStep(tf, task.shape, weights, makeBatch(task.shape, task.batch, BATCH_SEED), tuned));
}

/** The library as its documentation leads to use it. */
export const open = (task: Task): Promise<Job> => openWith(task, false);

/** The library with its slow kernels avoided by hand; see tfjs-gpt.ts. */
export const openTuned = (task: Task): Promise<Job> => openWith(task, true);
