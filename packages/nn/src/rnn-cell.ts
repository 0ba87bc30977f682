import { add, formatShape, ShapeError, type Tensor, tanh, zeros } from "@heed/tensor";
import { createLinear, type Linear } from "./linear.ts";
import type { CellOptions } from "./lstm-cell.ts";
import type { RecurrentCell, RecurrentState } from "./recurrent-cell.ts";

/**
 * The plain recurrent cell: h = tanh(input(x) + recurrent(h)).
 *
 * Shapes: input [N, dIn], recurrent [N, N].
 * @see Elman 1990, Finding Structure in Time. As torch.nn.RNN.
 */
export class RnnCell implements RecurrentCell {
  readonly input: Linear;
  readonly recurrent: Linear;

  /** @throws ShapeError if the layers do not fit each other */
  constructor(input: Linear, recurrent: Linear) {
    if (recurrent.dOut !== input.dOut || recurrent.dIn !== input.dOut)
      throw new ShapeError(
        `RnnCell: recurrent has weight ${formatShape(recurrent.weight.shape)}, expected [${input.dOut}, ${input.dOut}] (from input ${formatShape(input.weight.shape)})`,
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
    return { h: tanh(add(projected, this.recurrent.forward(h))) };
  }
}

/**
 * A plain recurrent cell with new weights.
 *
 * @example
 * const cell = createRnnCell({ dIn: 2, dState: 3, weight: zerosInit() });
 */
export function createRnnCell({ dIn, dState, weight, bias }: CellOptions): RnnCell {
  return new RnnCell(
    createLinear({ dIn, dOut: dState, weight, bias }),
    createLinear({ dIn: dState, dOut: dState, weight, bias }),
  );
}
