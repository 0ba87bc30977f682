/** This repository on its WebGPU backend, through the packages' public functions. */
import { causal, softmaxAttention } from "@heed/attention";
import { createGpuBackend } from "@heed/gpu";
import {
  add,
  arange,
  type Backend,
  data,
  dispose,
  fromArray,
  matmul,
  multiply,
  scope,
  slice,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { makeBatch, makeWeights } from "../../gpt.ts";
import { promptTokens, sampleOfLogits } from "../../sides/generation.ts";
import { makeGenerator, makeStep } from "../../sides/heed-gpt.ts";
import { lossJob } from "../../sides/loss-job.ts";
import { BATCH_SEED, WEIGHT_SEED } from "../../task.ts";
import { attentionInputs, elementwiseInput, sampled, squareMatrices } from "../operands.ts";
import type {
  GpuAttentionTask,
  GpuDecodeTask,
  GpuDispatchTask,
  GpuElementwiseTask,
  GpuJob,
  GpuMatmulTask,
  GpuStepTask,
  GpuTask,
} from "../task.ts";

type About = Readonly<Record<string, string>>;

let backend: Backend | undefined;

/** One backend for all cases of the run, as a program has one. */
async function start(): Promise<About> {
  backend ??= await createGpuBackend({ prefer: "webgpu" });
  useBackend(backend);
  return { heed: "sources", ...backend.capabilities().details };
}

/** Waits for a tensor by reading one of its elements, and frees it. */
async function finish(x: Tensor): Promise<void> {
  const first = scope(() =>
    slice(
      x,
      x.shape.map(() => 0),
      x.shape.map(() => 1),
    ),
  );
  await data(first);
  dispose([first, x]);
}

/** A job that computes one tensor from inputs that stay. */
function tensorJob(about: About, inputs: readonly Tensor[], compute: () => Tensor): GpuJob {
  return {
    about,
    run: async (repeat) => {
      for (let i = 1; i < repeat; i++) dispose(scope(compute));
      await finish(scope(compute));
    },
    witness: async () => {
      const result = scope(compute);
      const values = sampled(await data<"float32">(result));
      dispose(result);
      return values;
    },
    close: () => dispose([...inputs]),
  };
}

function openMatmul({ n }: GpuMatmulTask, about: About): GpuJob {
  const { a, b } = squareMatrices(n);
  const [left, right] = [fromArray(a, [n, n]), fromArray(b, [n, n])];
  return tensorJob(about, [left, right], () => matmul(left, right));
}

function openAttention(task: GpuAttentionTask, about: About): GpuJob {
  const { B, H, T, D, gradient } = task;
  const inputs = attentionInputs(task).map((values) => fromArray(values, [B, H, T, D]));
  const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
  const positions = arange(0, T);
  const attend = softmaxAttention();
  const forward = (): Tensor => attend(q, k, v, { mask: causal()(positions, positions), positions });
  // The sum of the three gradients, so that one tensor depends on all of them.
  const backward = (): Tensor => {
    const { gradients } = valueAndGradients(() => sum(multiply(forward(), v)), inputs);
    return (gradients as readonly Tensor[]).reduce((total, one) => add(total, one));
  };
  return tensorJob(about, [...inputs, positions], gradient ? backward : forward);
}

function openElementwise({ elements }: GpuElementwiseTask, about: About): GpuJob {
  const x = fromArray(elementwiseInput(elements), [elements]);
  return tensorJob(about, [x], () => multiply(x, 2));
}

function openDispatch({ operations }: GpuDispatchTask, about: About): GpuJob {
  const x = fromArray(new Float32Array(4), [4]);
  return tensorJob(about, [x], () => {
    let total = x;
    for (let i = 0; i < operations; i++) total = add(total, 1);
    return total;
  });
}

function openStep({ shape, batch, losses }: GpuStepTask, about: About): GpuJob {
  const { step, free } = makeStep(shape, makeWeights(shape, WEIGHT_SEED), makeBatch(shape, batch, BATCH_SEED));
  return { ...lossJob(about, step, losses), close: free };
}

function openDecode({ shape, prompt, tokens }: GpuDecodeTask, about: About): GpuJob {
  const { start: begin, free } = makeGenerator(shape, makeWeights(shape, WEIGHT_SEED));
  const ids = promptTokens(shape, prompt);
  let continuation: ReturnType<typeof begin> | undefined;
  let logits = new Float32Array();
  return {
    about,
    prepare: async () => {
      await continuation?.close();
      continuation = begin(ids, tokens + 1);
      await continuation.next();
    },
    run: async () => {
      for (let i = 0; i < tokens; i++) logits = new Float32Array((await continuation?.next()) ?? []);
    },
    witness: async () => sampleOfLogits(logits),
    close: () => {
      void continuation?.close();
      free();
    },
  };
}

function openOne(task: GpuTask, about: About): GpuJob | undefined {
  switch (task.kind) {
    case "matmul":
      return openMatmul(task, about);
    case "attention":
      return openAttention(task, about);
    case "elementwise":
      return openElementwise(task, about);
    case "dispatch":
      return openDispatch(task, about);
    case "step":
      return openStep(task, about);
    case "decode":
      return openDecode(task, about);
    default:
      return undefined;
  }
}

/** Opens any task but a ceiling. */
export async function open(task: GpuTask): Promise<GpuJob | undefined> {
  return openOne(task, await start());
}
