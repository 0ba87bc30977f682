import { broadcast, concatenate, full, logicalAnd, pad, slice, type Tensor } from "@heed/tensor";
import type { AttentionView } from "./attention-fn.ts";

/** A mask or bias over fewer keys than are stored: unfilled places are hidden, or get bias 0. */
export function fitKeys(x: Tensor, S: number): Tensor {
  const columns = x.shape.at(-1)!;
  if (columns === S || columns === 1) return x;
  const lead = x.shape.slice(0, -1).map(() => 0);
  return pad(x, [...lead, 0], [...lead, S - columns]);
}

/** The mask of a call over S stored places of which `length` are filled; undefined if that hides nothing. */
export function hideUnfilled(mask: Tensor | undefined, length: number, S: number, like: Tensor): Tensor | undefined {
  if (length === S) return mask;
  if (mask && mask.shape.at(-1) === length && length > 1) return fitKeys(mask, S);
  const filled = pad(full([1, length], true, { backend: like.backend }), [0, 0], [0, S - length]);
  return mask ? logicalAnd(mask, filled) : filled;
}

/** How many places of memory stand before and after the stored ones. */
export interface MemoryPlaces {
  readonly before: number;
  readonly after: number;
}

/** A mask (value 1: visible) or bias (value 0) over S stored places, widened to the memory beside them. */
export function widenKeys(x: Tensor | undefined, S: number, { before, after }: MemoryPlaces, value: number) {
  if (!x || before + after === 0) return x;
  const lead = x.shape.slice(0, -1);
  const whole = x.shape.at(-1) === S ? x : broadcast(x, [...lead, S]);
  const none = lead.map(() => 0);
  return pad(whole, [...none, before], [...none, after], { value });
}

/** `size` columns of [B, H, T, S] from `start`. */
export function columnsOf(x: Tensor, start: number, size: number): Tensor {
  const [B, H, T, S] = x.shape as [number, number, number, number];
  return S === size ? x : slice(x, [0, 0, 0, start], [B, H, T, size]);
}

/** Scores and probs of the filled places and the memory: what a cache has not filled yet, from `length` on, left out. */
export function cutKeys(
  { scores, probs }: AttentionView,
  length: number,
  { before, after }: MemoryPlaces = { before: 0, after: 0 },
): AttentionView {
  const cut = (x: Tensor): Tensor => {
    const all = x.shape[3]!;
    const filled = columnsOf(x, 0, before + length);
    if (after === 0 || all === before + length + after) return after === 0 ? filled : x;
    return concatenate([filled, columnsOf(x, all - after, after)], { axis: 3 });
  };
  return { scores: cut(scores), probs: cut(probs) };
}
