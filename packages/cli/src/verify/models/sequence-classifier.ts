import { isSequenceClassifier, type Pretrained, type SequenceClassifier } from "@heed/models";
import type { Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { tokensOf } from "../support.ts";
import { type CausalTraits, decoderInputs, decoderOptions } from "./causal-lm.ts";
import { classLoss } from "./class-loss.ts";

function classifierOf({ model, modelType }: Pretrained): SequenceClassifier {
  if (isSequenceClassifier(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no classifier of sequences here, expected one for this case`);
}

/** The forward pass of decoders that classify sequences: scores of labels, and with labels the loss. */
export function classifierForward(traits: CausalTraits = {}): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const model = classifierOf(pretrained);
    const logits = model.forward(tokensOf(model.vocabSize, golden), decoderOptions(golden, watch, traits));
    watch("logits", logits);
    return classLoss(logits, { pretrained, golden });
  };
  return forwardRunner({ inputs: decoderInputs, compute });
}
