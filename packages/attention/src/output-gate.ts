import type { Linear } from "@heed/nn";
import { expandDims, multiply, reshape, ShapeError, sigmoid, type Tensor } from "@heed/tensor";
import { keepOutputs, rowsOfHeads } from "./projections/keep-rows.ts";

/**
 * Lets a token turn its attention off: what the heads give is multiplied by sigmoid(projection(x)), one gate for each
 * head or for each of its values.
 *
 * Shapes: projection E -> H or H Dv.
 * @see Jumper et al. 2021, AlphaFold, supplement, algorithm 7; Qiu et al. 2025, Gated Attention for Large Language Models,
 *   arXiv:2505.06708.
 */
export class OutputGate {
  readonly projection: Linear;

  constructor({ projection }: { readonly projection: Linear }) {
    this.projection = projection;
  }

  /**
   * Shapes: x [B, T, E], heads [B, T, H, Dv] -> [B, T, H, Dv].
   * @throws ShapeError if the projection gives neither H nor H Dv gates
   */
  forward(x: Tensor, heads: Tensor): Tensor {
    const [, , H, Dv] = heads.shape as [number, number, number, number];
    const { dOut } = this.projection;
    if (dOut !== H && dOut !== H * Dv)
      throw new ShapeError(
        `OutputGate: projection has dOut=${dOut}, expected H=${H} or H x Dv=${H * Dv} (from the heads)`,
      );
    const gates = sigmoid(this.projection.forward(x));
    return multiply(heads, dOut === H ? expandDims(gates, 3) : reshape(gates, heads.shape));
  }

  /** The gate of only these of `numHeads` heads. */
  keepHeads(heads: readonly number[], numHeads: number): OutputGate {
    const width = this.projection.dOut / numHeads;
    return new OutputGate({ projection: keepOutputs(this.projection, rowsOfHeads(heads, width)) });
  }
}
