import {
  additiveScore,
  attention,
  bilinearScore,
  cosineScore,
  dotScore,
  linearScore,
  type ScoreFn,
  scaledDotScore,
} from "@heed/attention";
import { reshape, type Tensor, transpose } from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { bool, compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Weights = (name: string) => Tensor;

/** AllenNLP's attentions by class: the score from weights that act from the right (x W), and their names. */
const scores: Readonly<Record<string, { score: (weight: Weights) => ScoreFn; weights: readonly string[] }>> = {
  AdditiveAttention: {
    weights: ["_w_matrix", "_u_matrix", "_v_vector"],
    score: (weight) =>
      additiveScore({
        queryWeight: transpose(weight("_w_matrix")),
        keyWeight: transpose(weight("_u_matrix")),
        vector: reshape(weight("_v_vector"), [weight("_v_vector").size]),
      }),
  },
  BilinearAttention: {
    weights: ["_weight_matrix", "_bias"],
    score: (weight) => bilinearScore({ weight: weight("_weight_matrix"), bias: weight("_bias") }),
  },
  DotProductAttention: { weights: [], score: () => dotScore() },
  ScaledDotProductAttention: { weights: [], score: () => scaledDotScore() },
  CosineAttention: { weights: [], score: () => cosineScore() },
  LinearAttention: {
    weights: ["_weight_vector", "_bias"],
    score: (weight) => linearScore({ weight: weight("_weight_vector"), bias: weight("_bias") }),
  },
};

const scoreOf = ({ call }: GoldenCase) => {
  const name = String(call["reference"]).replace(/^AllenNLP /, "");
  return Object.hasOwn(scores, name) ? scores[name] : undefined;
};

/** One query of a batch row against its matrix of keys, which are its values too. */
function attend(golden: GoldenCase, score: ScoreFn, vector: Tensor, matrix: Tensor): Record<string, Tensor> {
  const [B, S, D] = matrix.shape as [number, number, number];
  const q = reshape(vector, [B, 1, 1, vector.shape[1]!]);
  const k = reshape(matrix, [B, 1, S, D]);
  const given = golden.inputs.get("mask");
  const mask = given && reshape(bool(given), [B, 1, 1, S]);
  const fn = attention({ score });
  const found: Record<string, Tensor> = { context: reshape(fn(q, k, k, { mask }), [B, D]) };
  fn(q, k, k, {
    mask,
    observe: (view) => {
      found["scores"] = reshape(view.scores, [B, S]);
      found["attention"] = reshape(view.probs, [B, S]);
    },
  });
  return found;
}

/** `unit-additive-attention`: scores of one vector against the rows of a matrix. */
export const runAdditiveAttention: UnitRunner = {
  refuses: (golden) => {
    const { call, inputs } = golden;
    const known = scoreOf(golden);
    if (!known)
      return `reference ${String(call["reference"])} is not supported, expected AllenNLP and one of ${Object.keys(scores).join(", ")}`;
    return (
      unknownNames("options", Object.keys(call), ["reference"]) ??
      unknownNames("inputs", inputs.keys(), ["vector", "matrix", "mask", "cotangent", ...known.weights])
    );
  },
  run: (golden) => {
    const { score, weights } = scoreOf(golden)!;
    const names = ["vector", "matrix", ...weights];
    const leaves = Object.fromEntries(names.map((name) => [name, float32(inputOf(golden, name))]));
    const forward = () =>
      attend(
        golden,
        score((name) => leaves[name]!),
        leaves["vector"]!,
        leaves["matrix"]!,
      );
    return compute(golden, { leaves, forward });
  },
};
