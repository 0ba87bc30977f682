import { type EncoderDecoderModel, isEncoderDecoderModel, type Pretrained } from "@heed/models";
import type { Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { tokensOf } from "../support.ts";
import { paddingOf } from "./causal-lm.ts";
import { type EncoderClass, readSpan } from "./encoder.ts";
import { readClasses } from "./encoder-classes.ts";
import { pairObserverOf } from "./encoder-decoder.ts";

function modelOf({ model, modelType }: Pretrained): EncoderDecoderModel {
  if (isEncoderDecoderModel(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no encoder-decoder with heads, expected one for this case`);
}

/** The forward pass of an encoder-decoder whose heads read what its decoder makes of the source. */
function sourceHeadsForward({ inputs: more, read }: EncoderClass): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const model = modelOf(pretrained);
    const found = model.forward(tokensOf(model.vocabSize, golden), {
      target: golden.inputs.has("decoder_input_ids")
        ? tokensOf(model.decoder.vocabSize, golden, "decoder_input_ids")
        : undefined,
      sourcePadding: paddingOf(golden),
      targetPadding: paddingOf(golden, "decoder_attention_mask"),
      observe: pairObserverOf(golden, watch, model),
    });
    return read({ found, golden, pretrained, watch });
  };
  const inputs = ["input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask", ...more];
  return forwardRunner({ inputs, compute });
}

const classes = { forward: sourceHeadsForward({ inputs: ["labels"], read: readClasses }) };
const span = { forward: sourceHeadsForward({ inputs: ["start_positions", "end_positions"], read: readSpan }) };

/** Runners of encoder-decoders that read one text, by class. */
export const sourceHeadModels: Readonly<Record<string, { readonly forward: Runner }>> = Object.fromEntries(
  ["Bart", "MBart", "T5", "MT5"].flatMap((name) => [
    [`${name}ForSequenceClassification`, classes],
    [`${name}ForQuestionAnswering`, span],
  ]),
);
