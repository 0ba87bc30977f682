import { broadcast, cast, full, sum, type Tensor } from "@heed/tensor";

/** 1 where a key is visible, 0 elsewhere, and how many each query sees: [.., S or T, S] and [.., 1]. */
export function visibleCount(scores: Tensor, mask: Tensor | undefined): { visible: Tensor; count: Tensor } {
  const { shape, dtype, backend } = scores;
  const visible = mask ? cast(broadcast(mask, shape), dtype) : full(shape, 1, { dtype, backend });
  return { visible, count: sum(visible, { axes: -1, keepDims: true }) };
}
