import { full, logicalAnd, pad, slice, type Tensor } from "@heed/tensor";
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

/** Scores and probs of the filled places. */
export function cutKeys({ scores, probs }: AttentionView, length: number): AttentionView {
  const cut = (x: Tensor): Tensor => {
    const [B, H, T, S] = x.shape as [number, number, number, number];
    return S === length ? x : slice(x, [0, 0, 0, 0], [B, H, T, length]);
  };
  return { scores: cut(scores), probs: cut(probs) };
}
