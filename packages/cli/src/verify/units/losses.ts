import {
  binaryCrossEntropy,
  contrastiveLoss,
  cosineSimilarity,
  klDivergence,
  meanSquaredError,
  smoothedTargets,
  softCrossEntropy,
} from "@heed/objectives";
import { crossEntropy, mean, multiply, sum, type Tensor } from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { int32, unknownNames } from "../support.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

/** A recorded loss: the inputs it differentiates, the others, the options it knows, and how it is computed here. */
interface RecordedLoss {
  readonly floats: readonly string[];
  readonly others?: readonly string[];
  readonly options?: readonly string[];
  forward(golden: GoldenCase, floats: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

const numberOf = ({ call }: GoldenCase, option: string): number | undefined =>
  typeof call[option] === "number" ? call[option] : undefined;

type Reduction = "mean" | "sum" | "none";
const reductionOf = ({ call }: GoldenCase): Reduction => (call["reduction"] ?? "mean") as Reduction;

/** The targets as distributions: smoothed over the other classes, all zero where the label is padding. */
function smoothTargets(
  golden: GoldenCase,
  { shape: [, numClasses] }: Tensor,
  smoothing: number,
  ...excluded: number[]
): Tensor {
  const padding = numberOf(golden, "padding_index");
  const labels = inputOf(golden, "labels");
  const counts = Array.from(labels.values, (label) => Number(label !== padding));
  const targets = smoothedTargets(int32(labels), {
    numClasses: numClasses!,
    smoothing,
    ...(excluded.length > 0 && { excludedClass: excluded[0]! }),
  });
  return multiply(targets, float32({ shape: [counts.length, 1], values: counts }));
}

const classLosses = (smoothing: string): RecordedLoss => ({
  floats: ["logits"],
  others: ["labels", "weight"],
  options: ["ignore_index", "reduction", smoothing],
  forward(golden, { logits }) {
    const weight = golden.inputs.get("weight");
    const loss = crossEntropy(logits!, int32(inputOf(golden, "labels")), {
      ignoreIndex: numberOf(golden, "ignore_index") ?? -100,
      labelSmoothing: numberOf(golden, smoothing) ?? 0,
      reduction: reductionOf(golden),
      weights: weight && float32(weight),
    });
    return { loss };
  },
});

const losses: Readonly<Record<string, RecordedLoss>> = {
  cross_entropy: classLosses("label_smoothing"),
  label_smoothing_pytorch: classLosses("label_smoothing"),
  label_smoothing_transformers: classLosses("epsilon"),
  label_smoothing_fairseq: {
    floats: ["logits"],
    others: ["labels"],
    options: ["epsilon", "padding_index"],
    forward: (golden, { logits }) => ({
      loss: sum(softCrossEntropy(logits!, smoothTargets(golden, logits!, numberOf(golden, "epsilon") ?? 0))),
      nll: sum(softCrossEntropy(logits!, smoothTargets(golden, logits!, 0))),
    }),
  },
  label_smoothing_annotated: {
    floats: ["logits"],
    others: ["labels"],
    options: ["smoothing", "padding_index"],
    forward: (golden, { logits }) => {
      const padding = numberOf(golden, "padding_index") ?? 0;
      return {
        loss: sum(klDivergence(logits!, smoothTargets(golden, logits!, numberOf(golden, "smoothing") ?? 0, padding))),
      };
    },
  },
  binary_cross_entropy: {
    floats: ["logits", "targets"],
    options: ["reduction"],
    forward: (golden, { logits, targets }) => ({
      loss: binaryCrossEntropy(logits!, targets!, { reduction: reductionOf(golden) }),
    }),
  },
  mean_squared_error: {
    floats: ["logits", "targets"],
    options: ["reduction"],
    forward: (golden, { logits, targets }) => ({
      loss: meanSquaredError(logits!, targets!, { reduction: reductionOf(golden) }),
    }),
  },
  kl_divergence: {
    floats: ["logits", "targets"],
    forward: (_, { logits, targets }) => ({ loss: mean(klDivergence(logits!, targets!)) }),
  },
  contrastive: { floats: ["logits"], forward: (_, { logits }) => ({ loss: contrastiveLoss(logits!) }) },
  cosine_similarity: {
    floats: ["a", "b"],
    others: ["cotangent"],
    options: ["eps"],
    forward: (golden, { a, b }) => ({
      output: cosineSimilarity(a!, b!, { epsilon: numberOf(golden, "eps") ?? 1e-8 }),
    }),
  },
};

/** The loss with the longest name that the case's begins with. */
function lossOf({ name }: GoldenCase): RecordedLoss | undefined {
  const names = Object.keys(losses).filter((known) => name === known || name.startsWith(`${known}_`));
  return losses[names.sort((a, b) => b.length - a.length)[0] ?? ""];
}

/** The cases of `unit-losses`: classes, smoothed and class-weighted; coins; numbers; distributions; pairs. */
export const runLosses: UnitRunner = {
  refuses(golden) {
    const loss = lossOf(golden);
    if (!loss) return unknownNames("loss", [golden.name], Object.keys(losses));
    const { floats, others = [], options = [] } = loss;
    return (
      unknownNames("options", Object.keys(golden.call), ["reference", ...options]) ??
      unknownNames("inputs", golden.inputs.keys(), [...floats, ...others])
    );
  },
  run(golden) {
    const loss = lossOf(golden)!;
    const leaves = Object.fromEntries(loss.floats.map((name) => [name, float32(inputOf(golden, name))]));
    return compute(golden, { leaves, forward: () => loss.forward(golden, leaves) });
  },
};
