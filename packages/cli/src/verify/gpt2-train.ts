import { namedWeights, type Pretrained } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, clipGlobalNorm, cosineSchedule } from "@heed/optim";
import { data, dispose, fromArray, scope, type Tensor, valueAndGradients } from "@heed/tensor";
import type { GoldenArray, GoldenCase } from "./golden.ts";
import { decoderOf } from "./models/causal-lm.ts";
import type { Computed, Runner } from "./runners.ts";
import { read, readAll, shiftedLoss, tokensOf, unknownNames } from "./support.ts";

interface TrainCall {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_norm: number;
  readonly warmup: number;
  readonly total: number;
}

const known = "class kind lr betas eps weight_decay decay max_norm schedule warmup total optimizer reference".split(
  " ",
);

function refuses({ call, inputs }: GoldenCase): string | undefined {
  const { decay, schedule } = call;
  if (decay !== "all") return `weight decay of ${String(decay)} is not supported, expected of all`;
  if (schedule !== "get_cosine_schedule_with_warmup") {
    return `schedule ${String(schedule)} is not supported, expected get_cosine_schedule_with_warmup`;
  }
  return (
    unknownNames("settings", Object.keys(call), known) ?? unknownNames("inputs", inputs.keys(), ["input_ids", "labels"])
  );
}

/** Batch `step` of an input [steps, B, T]. */
function batchOf({ shape, values }: GoldenArray, step: number): Tensor {
  const [, B, T] = shape as [number, number, number];
  const rows = Int32Array.from(values).slice(step * B * T, (step + 1) * B * T);
  return fromArray(rows, [B, T], { dtype: "int32" });
}

async function run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  const { inputs, parametersAfter, call } = golden;
  const { lr, betas, eps, weight_decay, max_norm, warmup, total } = call as unknown as TrainCall;
  const model = decoderOf(pretrained);
  scope(() => void tokensOf(model.vocabSize, golden));
  const optimizer = adamW({
    parameters: parameters(model),
    learningRate: cosineSchedule({ peak: lr, warmupSteps: warmup, totalSteps: total }),
    ...{ betas, epsilon: eps, weightDecay: weight_decay },
  });
  const [tokens, labels] = [inputs.get("input_ids")!, inputs.get("labels")!];
  const lossOf = (step: number): Tensor => shiftedLoss(model.forward(batchOf(tokens, step)), batchOf(labels, step));
  const measured = { losses: [] as number[], gradient_norms: [] as number[], learning_rates: [] as number[] };
  const steps = tokens.shape[0]!;
  for (let step = 0; step < steps; step++) {
    const { value, gradients } = valueAndGradients(() => lossOf(step), optimizer.parameters);
    const { norm, scale } = scope(() => clipGlobalNorm(gradients, max_norm));
    measured.losses.push((await data(value))[0]!);
    measured.gradient_norms.push((await data(norm))[0]!);
    measured.learning_rates.push(optimizer.learningRate());
    optimizer.step(gradients, { scale });
    dispose([value, gradients, norm, scale]);
  }
  const weights = [...namedWeights(pretrained)].filter(([name]) => parametersAfter.has(name));
  const stored = new Map(weights.map(([name, { tensor, asStored }]) => [name, asStored(tensor)]));
  const lists = Object.entries(measured).map(([name, values]) => [name, { shape: [steps], values }] as const);
  const after = await read(scope(() => lossOf(0)));
  return {
    outputs: new Map<string, GoldenArray>([...lists, ["loss_after_on_first_batch", after]]),
    parametersAfter: await readAll(stored),
  };
}

/** A short training run from the stored weights: loss, backward, clip, AdamW, schedule. */
export const runTraining: Runner = { refuses, run };
