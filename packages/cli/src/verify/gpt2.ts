import { and, causal, padding } from "@heed/attention";
import { type Pretrained, huggingFaceWeights } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, clipGlobalNorm, cosineSchedule } from "@heed/optim";
import { type Tensor, cast, crossEntropy, data, dispose, fromArray, keep, permute, scope, slice, valueAndGradients } from "@heed/tensor";
import { generate, greedy } from "@heed/train";
import type { GoldenArray, GoldenCase } from "./golden.ts";

/** What a runner computed, under the names of the fixture. */
export interface Computed {
  readonly outputs: ReadonlyMap<string, GoldenArray>;
  readonly grads: ReadonlyMap<string, GoldenArray>;
  readonly parametersAfter: ReadonlyMap<string, GoldenArray>;
}

const nothing: ReadonlyMap<string, GoldenArray> = new Map();

const int32 = ({ shape, values }: GoldenArray): Tensor => fromArray(Int32Array.from(values), shape);

async function read(x: Tensor): Promise<GoldenArray> {
  return { shape: x.shape, values: await data(x) };
}

async function readAll(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, GoldenArray>> {
  const found = new Map<string, GoldenArray>();
  for (const [name, tensor] of tensors) found.set(name, await read(tensor));
  return found;
}

/** The next-token loss of Hugging Face's causal models: labels are the inputs, shifted here; -100 is ignored. */
function shiftedLoss(logits: Tensor, labels: Tensor): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  return crossEntropy(slice(logits, [0, 0, 0], [B, T - 1, V]), slice(labels, [0, 1], [B, T - 1]));
}

/** One forward pass, with loss, gradients, hidden states and attentions as far as the case has them. */
export async function runForward(pretrained: Pretrained, { inputs, outputs, grads }: GoldenCase): Promise<Computed> {
  const { model } = pretrained;
  const tokens = int32(inputs.get("input_ids")!);
  const labels = inputs.get("labels");
  const attentionMask = inputs.get("attention_mask");
  const mask = attentionMask && and(causal(), padding(cast(int32(attentionMask), "bool")));
  const found = new Map<string, Tensor>();
  const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
  const forward = (): Tensor => {
    const logits = model.forward(tokens, {
      ...(mask && { mask }),
      observe: {
        hiddenState: (index, x) => found.set(`hidden_states.${index}`, keep(x)),
        ...(watchesAttention && { attention: (layer: number, { probs }: { probs: Tensor }) => found.set(`attentions.${layer}`, keep(probs)) }),
      },
    });
    found.set("logits", keep(logits));
    return logits;
  };
  const gradients = new Map<string, Tensor>();
  if (labels) {
    const names = new Map([...huggingFaceWeights(pretrained)].map(([name, { tensor }]) => [name, tensor]));
    const wanted = [...new Set([...grads.keys()].flatMap((name) => names.get(name) ?? []))];
    const { value, gradients: computed } = valueAndGradients(() => shiftedLoss(forward(), int32(labels)), wanted);
    found.set("loss", value);
    for (const name of grads.keys()) {
      const index = wanted.indexOf(names.get(name)!);
      if (index >= 0) gradients.set(name, asStored(pretrained, name, computed[index]!));
    }
  } else scope(forward);
  try {
    return { outputs: await readAll(found), grads: await readAll(gradients), parametersAfter: nothing };
  } finally {
    dispose([...found.values(), ...gradients.values(), tokens]);
  }
}

/** A weight, or its gradient, in the layout of the file. */
function asStored(pretrained: Pretrained, name: string, x: Tensor): Tensor {
  return huggingFaceWeights(pretrained).get(name)!.transposed ? permute(x, [1, 0]) : x;
}

/** Greedy continuation with cached keys and values. */
export async function runGenerate({ model }: Pretrained, { inputs, call }: GoldenCase): Promise<Computed> {
  const { shape, values } = inputs.get("input_ids")!;
  const [B, T] = shape as [number, number];
  const prompts = Array.from({ length: B }, (_, b) => Int32Array.from(values).slice(b * T, (b + 1) * T));
  const { max_new_tokens: maxNewTokens } = call["options"] as { max_new_tokens: number };
  const rows = prompts.map((prompt) => [...prompt]);
  const logits: number[] = [];
  for await (const step of generate({ model, prompts, maxNewTokens, sampler: greedy() })) {
    step.tokens.forEach((token, b) => rows[b]!.push(token));
    for (const row of step.logits) for (const logit of row) logits.push(logit);
  }
  return {
    outputs: new Map([
      ["sequences", { shape: [B, T + maxNewTokens], values: rows.flat() }],
      ["step_logits", { shape: [maxNewTokens, B, model.vocabSize], values: logits }],
    ]),
    grads: nothing,
    parametersAfter: nothing,
  };
}

interface TrainCall {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_norm: number;
  readonly warmup: number;
  readonly total: number;
}

/** A short training run from the stored weights: loss, backward, clip, AdamW, schedule. */
export async function runTraining(pretrained: Pretrained, { inputs, parametersAfter, call }: GoldenCase): Promise<Computed> {
  const { lr, betas, eps, weight_decay, max_norm, warmup, total } = call as unknown as TrainCall;
  const { model } = pretrained;
  const optimizer = adamW({
    parameters: parameters(model),
    learningRate: cosineSchedule({ peak: lr, warmupSteps: warmup, totalSteps: total }),
    betas, epsilon: eps, weightDecay: weight_decay,
  });
  const [steps, B, T] = inputs.get("input_ids")!.shape as [number, number, number];
  const batch = (name: string, step: number): Tensor => fromArray(Int32Array.from(inputs.get(name)!.values).slice(step * B * T, (step + 1) * B * T), [B, T]);
  const lossOf = (step: number): Tensor => shiftedLoss(model.forward(batch("input_ids", step)), batch("labels", step));
  const [losses, norms, rates]: [number[], number[], number[]] = [[], [], []];
  for (let step = 0; step < steps; step++) {
    const { value, gradients } = valueAndGradients(() => lossOf(step), optimizer.parameters);
    const { norm, scale } = scope(() => clipGlobalNorm(gradients, max_norm));
    losses.push((await data(value))[0]!);
    norms.push((await data(norm))[0]!);
    rates.push(optimizer.learningRate());
    optimizer.step(gradients, { scale });
    dispose([value, gradients, norm, scale]);
  }
  const after = scope(() => lossOf(0));
  const weights = new Map([...parametersAfter.keys()].flatMap((name) => {
    const weight = huggingFaceWeights(pretrained).get(name);
    return weight ? [[name, asStored(pretrained, name, weight.tensor)] as const] : [];
  }));
  const flat = (values: number[]): GoldenArray => ({ shape: [steps], values });
  return {
    outputs: new Map([["losses", flat(losses)], ["gradient_norms", flat(norms)], ["learning_rates", flat(rates)], ["loss_after_on_first_batch", await read(after)]]),
    grads: nothing,
    parametersAfter: await readAll(weights),
  };
}
