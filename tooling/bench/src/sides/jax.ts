/** jax-js on its wasm device. One thread as it starts on Node; more through browser-style workers. */

import { makeBatch, makeWeights } from "../gpt.ts";
import { BATCH_SEED, type Job, type MatmulTask, type Task, unsupported, WEIGHT_SEED } from "../task.ts";
import { lossJob } from "./loss-job.ts";
import { matmulOperands, sampleOfProduct } from "./operands.ts";
import { packageVersion } from "./package-version.ts";

async function openMatmul(task: MatmulTask, about: Record<string, string>): Promise<Job> {
  const { jit, numpy: np } = await import("@jax-js/jax");
  const { a, b } = matmulOperands(task);
  const left = np.array(a.values).reshape([...a.shape]);
  const right = np.array(b.values).reshape([...b.shape]);
  const product = jit((x: typeof left, y: typeof left) =>
    np.matmul(task.transposeA ? np.transpose(x) : x, task.transposeB ? np.transpose(y) : y),
  );
  return {
    about,
    run: async () => {
      const c = product(left.ref, right.ref);
      await c.blockUntilReady();
      c.dispose();
    },
    witness: async () => sampleOfProduct(await product(left.ref, right.ref).data()),
  };
}

/** Opens a product or a training step. */
export async function open(task: Task, threads: number): Promise<Job> {
  (await import("./web-worker.ts")).installBrowserWorkers(threads);
  const { defaultDevice, init } = await import("@jax-js/jax");
  await init("wasm");
  defaultDevice("wasm");
  const about = { "jax-js": packageVersion("@jax-js/jax"), device: defaultDevice(), threads: String(threads) };
  if (task.kind === "matmul") return openMatmul(task, about);
  if (task.kind !== "step") return unsupported("jax", task);
  const { makeStep } = await import("./jax-gpt.ts");
  return lossJob(
    about,
    makeStep(task.shape, makeWeights(task.shape, WEIGHT_SEED), makeBatch(task.shape, task.batch, BATCH_SEED)),
  );
}
