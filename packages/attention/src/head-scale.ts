import { bindShapes, formatShape, multiply, reshape, ShapeError, type Tensor } from "@heed/tensor";
import type { HeadGate } from "./head-gate.ts";
import { pick } from "./projections/keep-rows.ts";

/**
 * Learned weights of the heads: what a head gives is multiplied by its number, the same for every token.
 *
 * Shapes: scale [H].
 * @see Shleifer et al. 2021, NormFormer, section 2.1 (HeadScale), arXiv:2110.09456.
 * @example
 * const gate = new HeadScale({ scale: ones([8]) });
 */
export class HeadScale implements HeadGate {
  readonly scale: Tensor;

  /** @throws ShapeError if scale is not [H] */
  constructor({ scale }: { readonly scale: Tensor }) {
    bindShapes("HeadScale", { scale: [scale, "H"] });
    this.scale = scale;
  }

  /**
   * Shapes: x [B, T, E], heads [B, T, H, Dv] -> [B, T, H, Dv].
   * @throws ShapeError if there is not one number for each head
   */
  forward(_: Tensor, heads: Tensor): Tensor {
    const H = heads.shape[2]!;
    if (this.scale.size !== H)
      throw new ShapeError(
        `HeadScale: scale has shape ${formatShape(this.scale.shape)}, expected [${H}] (from the heads)`,
      );
    return multiply(heads, reshape(this.scale, [H, 1]));
  }

  keepHeads(heads: readonly number[]): HeadScale {
    return new HeadScale({ scale: pick(this.scale, heads, 0) });
  }
}
