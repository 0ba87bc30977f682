import { type Decoder, isDecoder, type Pretrained } from "@heed/models";
import { cast, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, shiftedLoss, tokensOf } from "../support.ts";

/** What is particular to a class. */
export interface CausalTraits {
  /** positions count the real tokens of an attention mask, as OPT's do; default 0, 1, ... whatever the mask */
  readonly countsTokens?: boolean;
}

/** The decoder of a pretrained model. */
export function decoderOf({ model, modelType }: Pretrained): Decoder {
  if (isDecoder(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no decoder-only language model, expected one for this case`);
}

/** bool [B, S] of an attention mask, if there is one. */
export function paddingOf({ inputs }: GoldenCase, name = "attention_mask"): Tensor | undefined {
  const mask = inputs.get(name);
  return mask && cast(int32(mask), "bool");
}

/** Positions that count real tokens, 0 at padding. */
function tokenPositions({ shape, values }: GoldenArray): Tensor {
  const T = shape[1]!;
  let count = 0;
  const positions = Array.from(values, (value, i) => {
    if (i % T === 0) count = 0;
    return value === 0 ? 0 : count++;
  });
  return int32({ shape, values: positions });
}

/** The forward pass of decoder-only language models: logits, and with labels the next-token loss. */
export function causalForward({ countsTokens = false }: CausalTraits = {}): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const { inputs, outputs } = golden;
    const [mask, ids, labels] = ["attention_mask", "position_ids", "labels"].map((name) => inputs.get(name));
    const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
    const model = decoderOf(pretrained);
    const logits = model.forward(tokensOf(model.vocabSize, golden), {
      padding: paddingOf(golden),
      positions: ids ? int32(ids) : mask && countsTokens ? tokenPositions(mask) : undefined,
      observe: {
        hiddenState: (index, x) => watch(`hidden_states.${index}`, x),
        ...(watchesAttention && {
          attention: (layer: number, { probs }: { probs: Tensor }) => watch(`attentions.${layer}`, probs),
        }),
      },
    });
    watch("logits", logits);
    return labels && shiftedLoss(logits, int32(labels));
  };
  return forwardRunner({ inputs: ["input_ids", "attention_mask", "position_ids", "labels"], compute });
}
