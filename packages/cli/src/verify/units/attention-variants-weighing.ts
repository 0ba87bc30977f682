import {
  and,
  causal,
  type Mask,
  negativeSquaredDistanceScore,
  not,
  or,
  padding,
  type ScoreFn,
  scaledDotScore,
  slidingWindow,
  softCap,
  softmaxWeighting,
  talkingProbs,
  talkingScores,
  type WeighFn,
} from "@heed/attention";
import {
  add,
  arange,
  cast,
  concatenate,
  detach,
  full,
  less,
  logicalAnd,
  max,
  multiply,
  reshape,
  slice,
  subtract,
  type Tensor,
  topK,
} from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { mixAfter, mixBefore, numberOf, numHeadsOf } from "./attention-variants-options.ts";
import { bool, float32 } from "./unit-runner.ts";

type Weights = Readonly<Record<string, Tensor>>;

/** A 1x1 convolution over heads is a matrix. */
function headMix(weights: Weights, name: string): { weight: Tensor } {
  const weight = weights[name]!;
  return { weight: reshape(weight, weight.shape.slice(0, 2)) };
}

/** Scaled dot products or distances, scores of an earlier layer added, mixed where heads talk, held in a range: in that order. */
export function scoreOf(golden: GoldenCase, weights: Weights): ScoreFn {
  const { call, inputs } = golden;
  const width = weights["to_q.weight"]!.shape[0]! / numHeadsOf(golden);
  const scale = call["qk_norm"] ? (numberOf(golden, "qk_norm_scale") ?? 10) : 1 / Math.sqrt(width);
  const plain = call["l2_distance"] ? negativeSquaredDistanceScore({ scale }) : scaledDotScore({ scale });
  const earlier = inputs.get("prev_attn");
  const score: ScoreFn = earlier ? (q, k) => add(plain(q, k), float32(earlier)) : plain;
  const talking = call["talking_heads"] ? talkingScores(score, headMix(weights, mixBefore)) : score;
  const cap = numberOf(golden, "logit_softclamp_value") ?? 50;
  return call["softclamp_logits"] ? softCap(talking, { cap }) : talking;
}

/** True at the keys that are not among the k with the largest scores, hidden ones counted. */
function belowTop(scores: Tensor, k: number): Tensor {
  const { values } = topK(detach(scores), k);
  const rows = values.shape.slice(0, -1);
  return less(scores, slice(values, [...rows.map(() => 0), k - 1], [...rows, 1]));
}

/** The softmax over what a query sees; over all keys alike, hidden ones too, where it sees none. */
function evenlyIfBlind(seenOf: (scores: Tensor, mask: Tensor | undefined) => Tensor | undefined): WeighFn {
  const softmax = softmaxWeighting();
  return (scores, mask) => {
    const seen = seenOf(scores, mask);
    const probs = softmax(scores, seen);
    if (!seen) return probs;
    const isBlind = subtract(1, max(cast(seen, probs.dtype), { axes: -1, keepDims: true }));
    return add(probs, multiply(isBlind, 1 / scores.shape.at(-1)!));
  };
}

function softmaxOf(golden: GoldenCase): WeighFn {
  const { call, inputs } = golden;
  const k = numberOf(golden, "sparse_topk");
  if (k !== undefined)
    return evenlyIfBlind((scores, mask) => {
      if (k >= scores.shape.at(-1)!) return mask;
      // the reference hides the k best, where it means to hide the others: its mask is true where a score is below them
      const kept = belowTop(scores, k);
      return mask ? logicalAnd(mask, kept) : kept;
    });
  // only these masks can leave a query without keys; PyTorch's fused kernel gives it zeros, as ours do
  const canBlind = ["mask", "context_mask", "attn_mask", "mem_mask"].some((name) => inputs.has(name));
  return canBlind && !call["flash"] ? evenlyIfBlind((_, mask) => mask) : softmaxWeighting();
}

/** `show` gets the result of the softmax, before heads talk. */
export function weighingOf(golden: GoldenCase, weights: Weights, show: (probs: Tensor) => void): WeighFn {
  const softmax = softmaxOf(golden);
  if (!golden.call["talking_heads"]) return softmax;
  return (scores, mask, options) => {
    const shown: WeighFn = () => {
      const probs = softmax(scores, mask, options);
      show(probs);
      return probs;
    };
    // without the mask: in the reference a head may hear of keys that only the others see
    return talkingProbs(shown, headMix(weights, mixAfter))(scores);
  };
}

/** Which of the keys are tokens, [B, S], where the case says so for any. */
function keptKeys({ inputs }: GoldenCase): Tensor | undefined {
  const given = inputs.get("context_mask");
  if (given) return bool(given);
  const [mem, masks] = [inputs.get("mem"), [inputs.get("mem_mask"), inputs.get("mask")] as const];
  // of a context the mask says nothing: it is about the queries
  if (inputs.has("context") || !masks.some(Boolean)) return undefined;
  const x = inputs.get("x")!;
  const [before, own] = masks.map((mask, place) => {
    const [B, S] = (place === 0 ? mem : x)?.shape ?? [];
    return mask ? bool(mask) : S === undefined ? undefined : full([B!, S], true);
  });
  return before && mem ? concatenate([before, own!], { axis: 1 }) : own;
}

/** What T queries see of S keys; the last query stands at the last key. */
export function maskOf(golden: GoldenCase, S: number, T: number): Tensor | undefined {
  const { call, inputs } = golden;
  const past = numberOf(golden, "max_attend_past");
  const kept = keptKeys(golden);
  const given = inputs.get("attn_mask");
  const masks: Mask[] = [
    ...(call["causal"] ? [causal()] : []),
    // keys far back are hidden, later ones are not
    ...(past === undefined ? [] : [or(not(causal()), slidingWindow({ windowSize: past + 1 }))]),
    ...(kept ? [padding(kept)] : []),
    ...(given ? [() => bool(given)] : []),
  ];
  return masks.length === 0 ? undefined : and(...masks)(arange(S - T, S), arange(0, S));
}
