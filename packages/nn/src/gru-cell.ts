import {
  add,
  formatShape,
  multiply,
  ShapeError,
  sigmoid,
  split,
  subtract,
  type Tensor,
  tanh,
  zeros,
} from "@heed/tensor";
import { createLinear, type Linear } from "./linear.ts";
import type { CellOptions } from "./lstm-cell.ts";
import type { RecurrentCell, RecurrentState } from "./recurrent-cell.ts";

/**
 * A gated recurrent unit.
 *
 * r, z = sigmoid(...) of input(x) + recurrent(h); n = tanh(input_n(x) + r recurrent_n(h)); h = (1 - z) n + z h.
 *
 * Shapes: input [3 N, dIn], recurrent [3 N, N], gates in the order r, z, n.
 * @see Cho et al. 2014, Learning Phrase Representations, section 2.3, arXiv:1406.1078. Differs: the reset gate multiplies
 *   after the product, and z keeps the old state, as torch.nn.GRU.
 */
export class GruCell implements RecurrentCell {
  readonly input: Linear;
  readonly recurrent: Linear;

  /** @throws ShapeError if the layers do not fit each other */
  constructor(input: Linear, recurrent: Linear) {
    if (input.dOut % 3 !== 0)
      throw new ShapeError(
        `GruCell: input has dOut=${input.dOut} in weight ${formatShape(input.weight.shape)}, expected a multiple of 3: one part for each gate`,
      );
    if (recurrent.dOut !== input.dOut || recurrent.dIn * 3 !== recurrent.dOut)
      throw new ShapeError(
        `GruCell: recurrent has weight ${formatShape(recurrent.weight.shape)}, expected [${input.dOut}, ${input.dOut / 3}] (from input ${formatShape(input.weight.shape)})`,
      );
    this.input = input;
    this.recurrent = recurrent;
  }

  get dOut(): number {
    return this.recurrent.dIn;
  }

  start({ dtype, backend }: Tensor, batch: number): RecurrentState {
    return { h: zeros([batch, this.dOut], { dtype, backend }) };
  }

  project(x: Tensor): Tensor {
    return this.input.forward(x);
  }

  step(projected: Tensor, { h }: RecurrentState): RecurrentState {
    const gates = [this.dOut, this.dOut, this.dOut];
    const [xr, xz, xn] = split(projected, gates, { axis: -1 }) as [Tensor, Tensor, Tensor];
    const [hr, hz, hn] = split(this.recurrent.forward(h), gates, { axis: -1 }) as [Tensor, Tensor, Tensor];
    const keepOld = sigmoid(add(xz, hz));
    const proposal = tanh(add(xn, multiply(sigmoid(add(xr, hr)), hn)));
    return { h: add(proposal, multiply(keepOld, subtract(h, proposal))) };
  }
}

/**
 * A GRU cell with new weights.
 *
 * @example
 * const cell = createGruCell({ dIn: 2, dState: 3, weight: zerosInit() });
 */
export function createGruCell({ dIn, dState, weight, bias }: CellOptions): GruCell {
  return new GruCell(
    createLinear({ dIn, dOut: 3 * dState, weight, bias }),
    createLinear({ dIn: dState, dOut: 3 * dState, weight, bias }),
  );
}
