import { type Decoder, isDecoder, type Pretrained, type StackOptions } from "@heed/models";
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

/** Positions that count real tokens, -1 at padding: OPT has a row for that. */
function tokenPositions({ shape, values }: GoldenArray): Tensor {
  const T = shape[1]!;
  let count = 0;
  const positions = Array.from(values, (value, i) => {
    if (i % T === 0) count = 0;
    return value === 0 ? -1 : count++;
  });
  return int32({ shape, values: positions });
}

/** What a call of a decoder takes of a case beside its tokens, and what it shows. */
export function decoderOptions(
  golden: GoldenCase,
  watch: Watch,
  { countsTokens = false }: CausalTraits,
): Pick<StackOptions, "padding" | "positions" | "observe"> {
  const { inputs, outputs } = golden;
  const [mask, ids] = [inputs.get("attention_mask"), inputs.get("position_ids")];
  const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
  return {
    padding: paddingOf(golden),
    positions: ids ? int32(ids) : mask && countsTokens ? tokenPositions(mask) : undefined,
    observe: {
      hiddenState: (index, x) => watch(`hidden_states.${index}`, x),
      ...(watchesAttention && {
        attention: (layer: number, { probs }: { probs: Tensor }) => watch(`attentions.${layer}`, probs),
      }),
    },
  };
}

/** Names of the inputs of decoders. */
export const decoderInputs = ["input_ids", "attention_mask", "position_ids", "labels"];

/** The forward pass of decoder-only language models: logits, and with labels the next-token loss. */
export function causalForward(traits: CausalTraits = {}): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const labels = golden.inputs.get("labels");
    const model = decoderOf(pretrained);
    const logits = model.forward(tokensOf(model.vocabSize, golden), decoderOptions(golden, watch, traits));
    watch("logits", logits);
    return labels && shiftedLoss(logits, int32(labels));
  };
  return forwardRunner({ inputs: decoderInputs, compute });
}

/** The forward pass of decoders without a head: their states. */
export function statesForward(traits: CausalTraits = {}): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): undefined => {
    const model = decoderOf(pretrained);
    watch("last_hidden_state", model.encode(tokensOf(model.vocabSize, golden), decoderOptions(golden, watch, traits)));
  };
  return forwardRunner({ inputs: decoderInputs.filter((name) => name !== "labels"), compute });
}
