import { Decoder, isSequenceClassifier, type Pretrained, SequenceClassifier, Stack } from "@heed/models";
import { multiply } from "@heed/tensor";
import type { Runner } from "../runners.ts";
import { decoderOf } from "./causal-lm.ts";

/** The same weights; what positions add to scores counts twice. */
function withDoubledBias(pretrained: Pretrained): Pretrained {
  const model = isSequenceClassifier(pretrained.model) ? pretrained.model : decoderOf(pretrained);
  const { stack } = model;
  const { bias } = stack;
  if (!bias?.bias) return pretrained;
  const twice = { bias: (...positions: Parameters<typeof bias.bias>) => multiply(bias.bias!(...positions), 2) };
  const doubled = isSequenceClassifier(model)
    ? new SequenceClassifier({ ...model, stack: new Stack({ ...stack, bias: twice }) })
    : new Decoder({ ...stack, bias: twice, head: model.head });
  return { ...pretrained, model: doubled } as Pretrained;
}

/**
 * Falcon as it was recorded: eager attention of transformers 4.45 and later adds ALiBi's penalties twice, once in its mask and once
 * to the scores. A model that is loaded has them once, as under fused attention; only here they are doubled, for cases whose
 * producer says that it ran eagerly.
 *
 * @see Hugging Face transformers: models/falcon/modeling_falcon.py, `_update_causal_mask` and `FalconAttention.forward`.
 */
export function recordedFalcon(runner: Runner): Runner {
  return {
    refuses: (golden) => runner.refuses(golden),
    run: (pretrained, golden) =>
      runner.run(/\beager\b/.test(golden.runtime) ? withDoubledBias(pretrained) : pretrained, golden),
  };
}
