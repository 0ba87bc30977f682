/** TensorFlow.js on its webgpu backend. Of the two ways in tfjs-gpt.ts, the plain one: the slow kernels that the other avoids are wasm's. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-webgpu";
import { makeBatch, makeWeights } from "../../gpt.ts";
import { lossJob } from "../../sides/loss-job.ts";
import { packageVersion } from "../../sides/package-version.ts";
import { makeStep } from "../../sides/tfjs-gpt.ts";
import { BATCH_SEED, WEIGHT_SEED } from "../../task.ts";
import { attentionInputs, elementwiseInput, sampled, squareMatrices } from "../operands.ts";
import type { GpuAttentionTask, GpuJob, GpuTask } from "../task.ts";
import { openDecode } from "./tfjs-decode.ts";

/** A job that computes one tensor from inputs that stay. */
function tensorJob(inputs: readonly tf.Tensor[], compute: () => tf.Tensor): GpuJob {
  const finish = async (x: tf.Tensor): Promise<void> => {
    const first = tf.tidy(() =>
      tf.slice(
        x,
        x.shape.map(() => 0),
        x.shape.map(() => 1),
      ),
    );
    await first.data();
    tf.dispose([first, x]);
  };
  return {
    about: {},
    run: async (repeat) => {
      for (let i = 1; i < repeat; i++) tf.dispose(tf.tidy(compute));
      await finish(tf.tidy(compute));
    },
    witness: async () => {
      const result = tf.tidy(compute);
      const values = sampled(await result.data());
      result.dispose();
      return values;
    },
    close: () => tf.dispose([...inputs]),
  };
}

function openAttention(task: GpuAttentionTask): GpuJob {
  const { B, H, T, D, gradient } = task;
  const inputs = attentionInputs(task).map((values) => tf.tensor3d(values, [B * H, T, D]));
  const hidden = tf.tidy(() => tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0)), -1e9));
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor => {
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D));
    return tf.matMul(tf.softmax(tf.add(scores, hidden)), v);
  };
  const forward = (): tf.Tensor => attend(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor]));
  const backward = (): tf.Tensor => {
    const gradients = tf.grads((...[q, k, v]) =>
      tf.sum(tf.mul(attend(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor), v as tf.Tensor)),
    );
    return gradients([...inputs]).reduce((total, one) => tf.add(total, one));
  };
  return tensorJob([...inputs, hidden], gradient ? backward : forward);
}

function openOne(task: GpuTask): GpuJob | Promise<GpuJob> | undefined {
  switch (task.kind) {
    case "matmul": {
      const { a, b } = squareMatrices(task.n);
      const [left, right] = [tf.tensor2d(a, [task.n, task.n]), tf.tensor2d(b, [task.n, task.n])];
      return tensorJob([left, right], () => tf.matMul(left, right));
    }
    case "attention":
      return openAttention(task);
    case "elementwise": {
      const x = tf.tensor1d(elementwiseInput(task.elements));
      return tensorJob([x], () => tf.mul(x, 2));
    }
    case "dispatch": {
      const x = tf.zeros([4]);
      return tensorJob([x], () => {
        let total: tf.Tensor = x;
        for (let i = 0; i < task.operations; i++) total = tf.add(total, 1);
        return total;
      });
    }
    case "step": {
      const weights = makeWeights(task.shape, WEIGHT_SEED);
      const step = makeStep(tf, task.shape, weights, makeBatch(task.shape, task.batch, BATCH_SEED), false);
      return { ...lossJob({}, step, task.losses), close: () => tf.disposeVariables() };
    }
    case "decode":
      return openDecode(tf, task);
    default:
      return undefined;
  }
}

/** Opens any task but a ceiling. */
export async function open(task: GpuTask): Promise<GpuJob | undefined> {
  // Small operations would be computed on the host otherwise, which is not what is measured here.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  if (!(await tf.setBackend("webgpu")))
    throw new Error("open: tfjs has no webgpu backend here, expected one, got none");
  await tf.ready();
  const job = await openOne(task);
  return job && { ...job, about: { tfjs: packageVersion("@tensorflow/tfjs-core"), backend: tf.getBackend() } };
}
