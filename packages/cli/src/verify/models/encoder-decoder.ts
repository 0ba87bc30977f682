import { type EncoderDecoder, type ForwardObserver, isEncoderDecoder, type Pretrained, T5Encoder } from "@heed/models";
import { shiftRight } from "@heed/objectives";
import { crossEntropy, fromArray, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";

/** The encoder-decoder of a pretrained model. */
export function encoderDecoderOf({ model, modelType }: Pretrained): EncoderDecoder {
  if (isEncoderDecoder(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no encoder-decoder, expected one for this case`);
}

/** A token id that config.json or generation_config.json names. */
export function namedToken({ origin, modelType }: Pretrained, key: string): number {
  const value = origin?.config[key] ?? origin?.generationConfig?.[key];
  if (typeof value === "number") return value;
  throw badInput(
    `verify: config.json of ${modelType} has no ${key}, expected a token id: the decoder begins with it. Add it`,
  );
}

/** What the decoder reads to predict the labels. mBART starts with the last token of each row, its language. */
function shiftedLabels(pretrained: Pretrained, { shape, values }: GoldenArray): Tensor {
  const [B, T] = shape as [number, number];
  const paddingId = namedToken(pretrained, "pad_token_id");
  const rows = Array.from({ length: B }, (_, b) => {
    const row = Int32Array.from(Array.from(values).slice(b * T, (b + 1) * T));
    if (pretrained.modelType !== "mbart")
      return shiftRight(row, { startId: namedToken(pretrained, "decoder_start_token_id"), paddingId });
    const last = [...row].reverse().find((id) => id !== -100 && id !== paddingId) ?? paddingId;
    return shiftRight(row, { startId: last, paddingId });
  });
  return fromArray(
    rows.flatMap((row) => [...row]),
    [B, T],
    { dtype: "int32" },
  );
}

function targetOf(pretrained: Pretrained, golden: GoldenCase, vocabSize: number): Tensor {
  const labels = golden.inputs.get("labels");
  if (golden.inputs.has("decoder_input_ids")) return tokensOf(vocabSize, golden, "decoder_input_ids");
  if (labels) return shiftedLabels(pretrained, labels);
  throw badInput(`verify: case ${golden.name} has no decoder_input_ids, expected them or labels`);
}

/** Watches hidden states and attentions under the fixture's names, attentions only where it has them. */
function observerOf({ outputs }: GoldenCase, watch: Watch, prefix: string): ForwardObserver {
  const wants = (kind: string): boolean => [...outputs.keys()].some((name) => name.startsWith(`${kind}.`));
  const probs = (kind: string) => (layer: number, view: { probs: Tensor }) => watch(`${kind}.${layer}`, view.probs);
  return {
    hiddenState: (index, x) => watch(`${prefix}hidden_states.${index}`, x),
    ...(wants(`${prefix}attentions`) && { attention: probs(`${prefix}attentions`) }),
    ...(wants("cross_attentions") && { crossAttention: probs("cross_attentions") }),
  };
}

/** Watches the states of both stacks and the attentions that the case has; the last states stand under names of their own too. */
export function pairObserverOf(
  golden: GoldenCase,
  watch: Watch,
  model: Pick<EncoderDecoder, "encoder" | "decoder">,
): { readonly encoder: ForwardObserver; readonly decoder: ForwardObserver } {
  const observe = (part: "encoder" | "decoder", last: string): ForwardObserver => {
    const observer = observerOf(golden, watch, `${part}_`);
    return {
      ...observer,
      hiddenState: (index, x) => {
        observer.hiddenState!(index, x);
        if (index === model[part].blocks.length) watch(last, x);
      },
    };
  };
  return {
    encoder: observe("encoder", "encoder_last_hidden_state"),
    decoder: observe("decoder", "last_hidden_state"),
  };
}

/** The forward pass of encoder-decoders: logits, states, and with labels the loss of the labels. */
export function encoderDecoderForward(): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const model = encoderDecoderOf(pretrained);
    const source = tokensOf(model.encoder.vocabSize, golden);
    const [sourcePadding, targetPadding] = [paddingOf(golden), paddingOf(golden, "decoder_attention_mask")];
    const observe = pairObserverOf(golden, watch, model);
    const states = model.encode(source, { padding: sourcePadding, observe: observe.encoder });
    const logits = model.decode(targetOf(pretrained, golden, model.vocabSize), {
      memory: { states, padding: sourcePadding },
      padding: targetPadding,
      observe: observe.decoder,
    });
    watch("logits", logits);
    const labels = golden.inputs.get("labels");
    return labels && crossEntropy(logits, int32(labels), { ignoreIndex: -100 });
  };
  const inputs = ["input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask", "labels"];
  return forwardRunner({ inputs, compute });
}

/** The forward pass of an encoder alone. */
export function t5EncoderForward(): Runner {
  const compute = ({ model, modelType }: Pretrained, golden: GoldenCase, watch: Watch): undefined => {
    if (!(model instanceof T5Encoder))
      throw badInput(`verify: model_type ${modelType} was not opened as an encoder, expected one for this case`);
    const tokens = tokensOf(model.encoder.vocabSize, golden);
    watch(
      "last_hidden_state",
      model.forward(tokens, { padding: paddingOf(golden), observe: observerOf(golden, watch, "") }),
    );
  };
  return forwardRunner({ inputs: ["input_ids", "attention_mask"], compute });
}
