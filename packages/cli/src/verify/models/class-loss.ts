import type { Pretrained } from "@heed/models";
import { binaryCrossEntropy, meanSquaredError } from "@heed/objectives";
import { crossEntropy, reshape, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { float32, int32 } from "../support.ts";

/** What kind of labels a classifier has, by config.json, else by their number and type as Python guesses. */
function problemOf({ origin }: Pretrained, labels: ArrayLike<number>, numLabels: number): string {
  const named = origin?.config["problem_type"];
  if (typeof named === "string") return named;
  if (numLabels === 1) return "regression";
  return labels instanceof Int32Array ? "single_label_classification" : "multi_label_classification";
}

/**
 * The loss of a classifier of sequences, where the case has labels.
 *
 * @param logits [B, labels]
 * @throws CliError if config.json names a problem that there is not
 */
export function classLoss(
  logits: Tensor,
  { pretrained, golden }: { readonly pretrained: Pretrained; readonly golden: GoldenCase },
): Tensor | undefined {
  const labels = golden.inputs.get("labels");
  if (!labels) return undefined;
  const problem = problemOf(pretrained, labels.values, logits.shape[1]!);
  if (problem === "single_label_classification")
    return crossEntropy(logits, reshape(int32(labels), [logits.shape[0]!]), { ignoreIndex: -100 });
  if (problem === "multi_label_classification") return binaryCrossEntropy(logits, float32(labels));
  if (problem === "regression") return meanSquaredError(logits, reshape(float32(labels), logits.shape));
  throw badInput(
    `verify: config.json has an unknown problem_type, expected regression, single_label_classification or multi_label_classification, got ${problem}`,
  );
}
