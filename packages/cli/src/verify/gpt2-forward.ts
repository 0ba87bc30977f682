import { and, causal, padding } from "@heed/attention";
import type { Pretrained } from "@heed/models";
import { cast, dispose, keep, scope, type Tensor, valueAndGradients } from "@heed/tensor";
import type { GoldenCase } from "./golden.ts";
import type { Computed, Runner } from "./runners.ts";
import { expectTokens, int32, optionsOf, readAll, shiftedLoss, unknownNames, weightsOf } from "./support.ts";

/** The call itself, without loss: logits, and what is watched on the way, kept. */
function forwardOf({ model }: Pretrained, { inputs, outputs }: GoldenCase, found: Map<string, Tensor>): () => Tensor {
  const attentionMask = inputs.get("attention_mask");
  const tokens = int32(inputs.get("input_ids")!);
  const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
  const watch = (name: string, x: Tensor): void => void found.set(name, keep(x));
  return () => {
    const mask = attentionMask && and(causal(), padding(cast(int32(attentionMask), "bool")));
    const logits = model.forward(tokens, {
      ...(mask && { mask }),
      observe: {
        hiddenState: (index, x) => watch(`hidden_states.${index}`, x),
        ...(watchesAttention && {
          attention: (layer: number, { probs }: { probs: Tensor }) => watch(`attentions.${layer}`, probs),
        }),
      },
    });
    watch("logits", logits);
    return logits;
  };
}

/** Gradients of the loss for the weights that the case names; those it does not know stay out and so fail. */
function lossAndGradients(pretrained: Pretrained, { inputs, grads }: GoldenCase, forward: () => Tensor) {
  const weights = weightsOf(pretrained);
  const names = [...grads.keys()].filter((name) => weights.has(name));
  const wanted = Object.fromEntries(names.map((name) => [name, weights.get(name)!.tensor]));
  const labels = int32(inputs.get("labels")!);
  const { value, gradients } = valueAndGradients(() => shiftedLoss(forward(), labels), wanted);
  const stored = names.map((name) => [name, weights.get(name)!.asStored(gradients[name]!)] as const);
  return { loss: value, gradients: new Map(stored) };
}

async function run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  expectTokens(pretrained, golden);
  const found = new Map<string, Tensor>();
  const forward = forwardOf(pretrained, golden, found);
  let gradients = new Map<string, Tensor>();
  if (golden.inputs.has("labels")) {
    const computed = lossAndGradients(pretrained, golden, forward);
    found.set("loss", computed.loss);
    gradients = computed.gradients;
  } else scope(forward);
  try {
    return { outputs: await readAll(found), grads: await readAll(gradients) };
  } finally {
    dispose([...found.values(), ...gradients.values()]);
  }
}

/** One forward pass, with loss, gradients, hidden states and attentions as far as the case has them. */
export const runForward: Runner = {
  refuses: (golden) =>
    unknownNames("inputs", golden.inputs.keys(), ["input_ids", "labels", "attention_mask"]) ??
    unknownNames("options", Object.keys(optionsOf(golden)), [
      "output_hidden_states",
      "output_attentions",
      "use_cache",
    ]) ??
    (golden.grads.size > 0 && golden.gradientsOf !== "loss"
      ? `gradients of ${golden.gradientsOf} are not supported, expected of loss`
      : undefined),
  run,
};
