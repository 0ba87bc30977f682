import type { Linear, Norm } from "@heed/nn";
import { ShapeError, type Tensor } from "@heed/tensor";
import { keepOutputs } from "./keep-rows.ts";

/**
 * Two linear layers with a narrow middle, which a norm may level: y = up(norm(down(x))).
 *
 * Shapes: down E -> R, up R -> dOut.
 * @see DeepSeek-AI 2024, DeepSeek-V2, section 2.1.2, equations 12 and 13, arXiv:2405.04434.
 */
export class LowRankLinear {
  readonly down: Linear;
  readonly norm: Norm | undefined;
  readonly up: Linear;

  /** @throws ShapeError if up does not take what down gives */
  constructor({ down, norm, up }: { readonly down: Linear; readonly norm?: Norm | undefined; readonly up: Linear }) {
    if (down.dOut !== up.dIn)
      throw new ShapeError(`LowRankLinear: up has dIn=${up.dIn}, expected ${down.dOut} (from down)`);
    this.down = down;
    this.norm = norm;
    this.up = up;
  }

  get dOut(): number {
    return this.up.dOut;
  }

  /** Shapes: x [..., E] -> [..., dOut]. */
  forward(x: Tensor): Tensor {
    const narrow = this.down.forward(x);
    return this.up.forward(this.norm ? this.norm.forward(narrow) : narrow);
  }

  /** The layer with only some outputs. */
  keepOutputs(rows: readonly number[]): LowRankLinear {
    return new LowRankLinear({ ...this, up: keepOutputs(this.up, rows) });
  }
}
