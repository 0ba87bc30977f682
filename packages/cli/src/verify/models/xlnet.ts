import type { Mask } from "@heed/attention";
import { isXlnet, isXlnetWithHeads, type Pretrained, type Xlnet, type XlnetOptions } from "@heed/models";
import { crossEntropy, equal, fromArray, reshape, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { type ForwardOf, forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";
import { type EncoderClass, labelled, readSpan } from "./encoder.ts";
import { readClasses } from "./encoder-classes.ts";

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

/** What a call takes of a case; with a mapping both streams stand in turn among the hidden states. */
function callOf(golden: GoldenCase, watch: Watch): XlnetOptions {
  const { inputs, outputs } = golden;
  const [mapping, segments] = ["target_mapping", "token_type_ids"].map((name) => inputs.get(name));
  const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
  return {
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
  };
}

/** A runner of a class that computes so, and reads these inputs beside those of every XLNet. */
function runnerFor(more: readonly string[], compute: ForwardOf["compute"]): Runner {
  const inputs = ["input_ids", "attention_mask", "input_mask", "perm_mask", "target_mapping", "token_type_ids"];
  return forwardRunner({
    inputs: [...inputs, ...more],
    options: ["use_mems"],
    refuses: ({ inputs: given }) =>
      given.has("input_mask") && given.has("attention_mask")
        ? "attention_mask beside input_mask is not supported, expected one of them"
        : undefined,
    compute,
  });
}

/** Forward passes of XLNet: logits over the vocabulary, or states. */
function xlnetForward(): Runner {
  return runnerFor(["labels"], (pretrained, golden, watch) => {
    const model = xlnetOf(pretrained);
    const labels = golden.inputs.get("labels");
    const states = model.encode(tokensOf(model.vocabSize, golden), callOf(golden, watch));
    watch("last_hidden_state", states);
    if (!model.head) return undefined;
    const logits = model.head.forward(states);
    watch("logits", logits);
    return labels && crossEntropy(logits, int32(labels), { ignoreIndex: -100 });
  });
}

/** Forward passes of an XLNet with a head of a task. */
function headForward({ inputs, read }: EncoderClass): Runner {
  return runnerFor(inputs, (pretrained, golden, watch) => {
    const { model, modelType } = pretrained;
    if (!isXlnetWithHeads(model))
      throw badInput(`verify: model_type ${modelType} is no XLNet with heads, expected one for this case`);
    const found = model.forward(tokensOf(model.vocabSize, golden), callOf(golden, watch));
    return read({ found, golden, pretrained, watch });
  });
}

/** Runners of XLNet, by class. */
export const xlnetModels: Readonly<Record<string, { readonly forward: Runner }>> = {
  XLNetLMHeadModel: { forward: xlnetForward() },
  XLNetModel: { forward: xlnetForward() },
  XLNetForSequenceClassification: { forward: headForward({ inputs: ["labels"], read: readClasses }) },
  XLNetForTokenClassification: { forward: headForward({ inputs: ["labels"], read: labelled("tags") }) },
  XLNetForQuestionAnsweringSimple: {
    forward: headForward({ inputs: ["start_positions", "end_positions"], read: readSpan }),
  },
};
