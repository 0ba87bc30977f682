import type { Activation, Linear } from "@heed/nn";
import { expandDims, multiply, reshape, ShapeError, sigmoid, type Tensor } from "@heed/tensor";
import type { HeadGate } from "./head-gate.ts";
import { keepOutputs, rowsOfHeads } from "./projections/keep-rows.ts";

/** What an {@link OutputGate} is made of. */
export interface OutputGateParts {
  /** E -> H or H Dv */
  readonly projection: Linear;
  /** makes gates of what the projection gives; default sigmoid */
  readonly activation?: Activation;
}

/**
 * Lets a token turn its attention off: what the heads give is multiplied by activation(projection(x)), one gate for each
 * head or for each of its values.
 *
 * Another activation makes other gates: silu for values gated as in SwiGLU, r -> 1 + r for heads that are bound to a role
 * by a product and kept beside it (TP-attention).
 *
 * Shapes: projection E -> H or H Dv.
 * @see Jumper et al. 2021, AlphaFold, supplement, algorithm 7; Qiu et al. 2025, Gated Attention for Large Language Models,
 *   arXiv:2505.06708 (both with the sigmoid); Schlag et al. 2019, Enhancing the Transformer with Explicit Relational
 *   Encoding, section 2.2 (roles), arXiv:1910.06611.
 */
export class OutputGate implements HeadGate {
  readonly projection: Linear;
  readonly activation: Activation;

  constructor({ projection, activation = sigmoid }: OutputGateParts) {
    this.projection = projection;
    this.activation = activation;
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
    const gates = this.projection.forward(x, this.activation);
    return multiply(heads, dOut === H ? expandDims(gates, 3) : reshape(gates, heads.shape));
  }

  /** The gate of only these of `numHeads` heads. */
  keepHeads(heads: readonly number[], numHeads: number): OutputGate {
    const width = this.projection.dOut / numHeads;
    return new OutputGate({ ...this, projection: keepOutputs(this.projection, rowsOfHeads(heads, width)) });
  }
}
