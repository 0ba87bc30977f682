import type { PositionEncoding } from "@heed/positions";
import type { Tensor } from "@heed/tensor";

/** A position encoding with the hooks that look at queries, keys and probs. */
export interface LayerPosition extends PositionEncoding {
  contentBias?(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor;
  mixValues?(probs: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor;
}
