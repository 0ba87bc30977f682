import { broadcast, concatenate, full, select, slice, softmax, type Tensor } from "@heed/tensor";
import { lowest } from "../masked-softmax.ts";
import { headColumn } from "../scores/per-head.ts";
import type { WeighFn } from "../weigh-fn.ts";

/** The weight of {@link softmaxWithSink}, if it learns. */
export interface Sink {
  /** score of the sink, [1] for all heads or [H]; default 0 and not learned: "off by one" */
  readonly sink?: Tensor | undefined;
}

/**
 * A softmax over the visible keys and one more place that holds nothing, so that a head may attend to nothing:
 * e^score / (e^sink + sum of e^score).
 *
 * Shapes: scores [B, H, T, S] -> the same; rows sum to less than 1.
 * Numerics: subtracts the maximum of scores and sink.
 * @throws ShapeError if sink is neither [1] nor [H]
 * @see Miller 2023, Attention Is Off By One (sink 0); OpenAI 2025, gpt-oss model card, section 2.2, arXiv:2508.10925 (learned).
 * @example
 * const offByOne = attention({ score: scaledDotScore(), weigh: softmaxWithSink() });
 */
export function softmaxWithSink({ sink }: Sink = {}): WeighFn & Sink {
  const weigh = (...[scores, mask]: Parameters<WeighFn>): Tensor => {
    const [B, H, T, S] = scores.shape as [number, number, number, number];
    const { dtype, backend } = scores;
    const place = [B, H, T, 1];
    const extra = sink
      ? broadcast(headColumn("softmaxWithSink", "sink", sink, H), place)
      : full(place, 0, { dtype, backend });
    const visible = mask ? select(mask, scores, lowest) : scores;
    const probs = slice(softmax(concatenate([visible, extra], { axis: 3 })), [0, 0, 0, 0], [B, H, T, S]);
    return mask ? select(mask, probs, 0) : probs;
  };
  return Object.assign(weigh, { sink });
}
