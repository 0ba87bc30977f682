/** jax-js on its webgpu device. Everything that it can jit is jitted, as its documentation advises; the chain of small operations is not. */
import { defaultDevice, init, type Array as JaxArray, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { makeBatch, makeWeights } from "../../gpt.ts";
import { makeStep } from "../../sides/jax-gpt.ts";
import { lossJob } from "../../sides/loss-job.ts";
import { packageVersion } from "../../sides/package-version.ts";
import { BATCH_SEED, WEIGHT_SEED } from "../../task.ts";
import { attentionInputs, elementwiseInput, sampled, squareMatrices } from "../operands.ts";
import type { GpuAttentionTask, GpuJob, GpuTask } from "../task.ts";
import { openDecode } from "./jax-decode.ts";

type Compute = (...inputs: JaxArray[]) => JaxArray;

/** Waits for an array by reading one of its elements, and frees it. */
async function finish(x: JaxArray): Promise<void> {
  await x.slice(...x.shape.map(() => [0, 1] as [number, number])).data();
}

/** A job that computes one array from inputs that stay. */
function arrayJob(inputs: readonly JaxArray[], compute: Compute): GpuJob {
  const once = (): JaxArray => compute(...inputs.map((input) => input.ref));
  return {
    about: {},
    run: async (repeat) => {
      for (let i = 1; i < repeat; i++) once().dispose();
      await finish(once());
    },
    witness: async () => sampled((await once().data()) as Float32Array),
    close: () => {
      for (const input of inputs) input.dispose();
    },
  };
}

const jitted = (compute: Compute): Compute => jit(compute as (...args: JaxArray[]) => JaxArray) as unknown as Compute;

function openAttention(task: GpuAttentionTask): GpuJob {
  const { B, H, T, D, gradient } = task;
  // Its function takes [B, T, H, D]; the inputs are stored so, and the result is turned back only to compare it.
  const inputs = attentionInputs(task).map((values) => np.array(values).reshape([B, H, T, D]).transpose([0, 2, 1, 3]));
  const attend: Compute = (q, k, v) =>
    nn.dotProductAttention(q as JaxArray, k as JaxArray, v as JaxArray, { isCausal: true });
  const forward = attend;
  const lossOf = (parts: JaxArray[]): JaxArray => {
    const [q, k, v] = parts as [JaxArray, JaxArray, JaxArray];
    return attend(q, k, v.ref).mul(v).sum();
  };
  const backward: Compute = (...parts) => {
    const [loss, gradients] = valueAndGrad(lossOf)(parts) as unknown as [JaxArray, JaxArray[]];
    loss.dispose();
    return gradients.reduce((total, one) => total.add(one));
  };
  const job = arrayJob(inputs, jitted(gradient ? backward : forward));
  const turned = jitted((q, k, v) =>
    (gradient ? backward : forward)(q as JaxArray, k as JaxArray, v as JaxArray).transpose([0, 2, 1, 3]),
  );
  return { ...job, witness: arrayJob(inputs, turned).witness };
}

function openOne(task: GpuTask): GpuJob | Promise<GpuJob> | undefined {
  switch (task.kind) {
    case "matmul": {
      const { a, b } = squareMatrices(task.n);
      const inputs = [a, b].map((values) => np.array(values).reshape([task.n, task.n]));
      return arrayJob(
        inputs,
        jitted((x, y) => np.matmul(x as JaxArray, y as JaxArray)),
      );
    }
    case "attention":
      return openAttention(task);
    case "elementwise":
      return arrayJob(
        [np.array(elementwiseInput(task.elements))],
        jitted((x) => (x as JaxArray).mul(2)),
      );
    case "dispatch":
      return arrayJob([np.zeros([4])], (x) => {
        let total = x as JaxArray;
        // Realized one by one: unrealized additions would be fused into one kernel, and the case is about what a kernel costs.
        for (let i = 0; i < task.operations; i++) total = increment(total);
        return total;
      });
    case "step": {
      const weights = makeWeights(task.shape, WEIGHT_SEED);
      const step = makeStep(task.shape, weights, makeBatch(task.shape, task.batch, BATCH_SEED));
      return { ...lossJob({}, step, task.losses), close: () => undefined };
    }
    case "decode":
      return openDecode(task);
    default:
      return undefined;
  }
}

const increment = jit((x: JaxArray) => x.add(1)) as unknown as (x: JaxArray) => JaxArray;

/** Opens any task but a ceiling. */
export async function open(task: GpuTask): Promise<GpuJob | undefined> {
  await init("webgpu");
  defaultDevice("webgpu");
  const job = await openOne(task);
  return job && { ...job, about: { "jax-js": packageVersion("@jax-js/jax"), device: defaultDevice() } };
}
