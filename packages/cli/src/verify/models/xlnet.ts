import type { Mask } from "@heed/attention";
import { isXlnet, type Pretrained, type Xlnet } from "@heed/models";
import { crossEntropy, equal, fromArray, reshape, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";

function xlnetOf({ model, modelType }: Pretrained): Xlnet {
  if (isXlnet(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no XLNet, expected one for this case`);
}

/** Whoever is not hidden is seen: [B, T, S] with 0 at those. */
function maskOf(hidden: GoldenArray | undefined): Mask | undefined {
  if (!hidden) return undefined;
  const [B, T, S] = hidden.shape as [number, number, number];
  return () =>
    reshape(equal(int32({ ...hidden, values: Int32Array.from(hidden.values, (x) => Number(x > 0)) }), 0), [B, 1, T, S]);
}

/** Real tokens: those of an attention mask, or those that an input mask does not hide. */
function realTokens(golden: GoldenCase): Tensor | undefined {
  const hidden = golden.inputs.get("input_mask");
  return hidden ? equal(int32(hidden), 0) : paddingOf(golden);
}

/** Forward passes of XLNet: logits or states; with a mapping both streams stand in turn among the hidden states. */
export function xlnetForward(): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const model = xlnetOf(pretrained);
    const { inputs, outputs } = golden;
    const [mapping, segments, labels] = ["target_mapping", "token_type_ids", "labels"].map((name) => inputs.get(name));
    const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
    const states = model.encode(tokensOf(model.vocabSize, golden), {
      mask: maskOf(inputs.get("perm_mask")),
      targetMapping: mapping && fromArray(Float32Array.from(mapping.values), mapping.shape),
      segments: segments && int32(segments),
      padding: realTokens(golden),
      observe: {
        hiddenState: (index, x) => watch(`hidden_states.${mapping ? 2 * index : index}`, x),
        queryState: (index, x) => watch(`hidden_states.${2 * index + 1}`, x),
        ...(watchesAttention && {
          attention: (layer: number, { probs }: { probs: Tensor }) =>
            watch(mapping ? `attentions.${layer}.0` : `attentions.${layer}`, probs),
          queryAttention: (layer: number, { probs }: { probs: Tensor }) => watch(`attentions.${layer}.1`, probs),
        }),
      },
    });
    watch("last_hidden_state", states);
    if (!model.head) return undefined;
    const logits = model.head.forward(states);
    watch("logits", logits);
    return labels && crossEntropy(logits, int32(labels), { ignoreIndex: -100 });
  };
  const inputs = [
    "input_ids",
    "attention_mask",
    "input_mask",
    "perm_mask",
    "target_mapping",
    "token_type_ids",
    "labels",
  ];
  return forwardRunner({
    inputs,
    options: ["use_mems"],
    refuses: ({ inputs: given }) =>
      given.has("input_mask") && given.has("attention_mask")
        ? "attention_mask beside input_mask is not supported, expected one of them"
        : undefined,
    compute,
  });
}
