import {
  add,
  bindShapes,
  formatShape,
  multiply,
  ShapeError,
  sigmoid,
  split,
  type Tensor,
  tanh,
  zeros,
} from "@heed/tensor";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";
import type { RecurrentCell, RecurrentState } from "./recurrent-cell.ts";

/**
 * Long short-term memory, with or without a projection of its output.
 *
 * i, f, o = sigmoid(...), g = tanh(...) of input(x) + recurrent(h); c = f c + i g; h = projection(o tanh(c)).
 *
 * Shapes: input [4 N, dIn], recurrent [4 N, dOut], gates in the order i, f, g, o; projection [dOut, N] or none (dOut = N).
 * @see Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 (forget gate); Sak, Senior and Beaufays 2014,
 *   arXiv:1402.1128 (projection). As torch.nn.LSTM.
 */
export class LstmCell implements RecurrentCell {
  readonly input: Linear;
  readonly recurrent: Linear;
  readonly projection: Linear | undefined;

  /** @throws ShapeError if the layers do not fit each other */
  constructor(input: Linear, recurrent: Linear, projection?: Linear) {
    const dState = input.dOut / 4;
    const dOut = projection?.dOut ?? dState;
    if (input.dOut % 4 !== 0)
      throw new ShapeError(
        `LstmCell: input has dOut=${input.dOut} in weight ${formatShape(input.weight.shape)}, expected a multiple of 4: one part for each gate`,
      );
    if (projection && projection.dIn !== dState)
      throw new ShapeError(
        `LstmCell: projection has dIn=${projection.dIn} in weight ${formatShape(projection.weight.shape)}, expected ${dState} (from input ${formatShape(input.weight.shape)})`,
      );
    if (recurrent.dOut !== input.dOut || recurrent.dIn !== dOut)
      throw new ShapeError(
        `LstmCell: recurrent has weight ${formatShape(recurrent.weight.shape)}, expected [${input.dOut}, ${dOut}] (from input ${formatShape(input.weight.shape)}${projection ? ` and projection ${formatShape(projection.weight.shape)}` : ""})`,
      );
    this.input = input;
    this.recurrent = recurrent;
    this.projection = projection;
  }

  get dOut(): number {
    return this.recurrent.dIn;
  }

  start({ dtype, backend }: Tensor, batch: number): RecurrentState {
    const options = { dtype, backend };
    return { h: zeros([batch, this.dOut], options), c: zeros([batch, this.input.dOut / 4], options) };
  }

  project(x: Tensor): Tensor {
    return this.input.forward(x);
  }

  step(projected: Tensor, { h, c }: RecurrentState): RecurrentState {
    if (!c) throw new TypeError("LstmCell: state has no c, expected both h and c, got h only");
    bindShapes("LstmCell", { h: [h, "B dOut"], c: [c, "B dState"] });
    const N = this.input.dOut / 4;
    const [i, f, g, o] = split(add(projected, this.recurrent.forward(h)), [N, N, N, N], { axis: -1 }) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const next = add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g)));
    const output = multiply(sigmoid(o), tanh(next));
    return { h: this.projection ? this.projection.forward(output) : output, c: next };
  }
}

/** Widths and first values of a new cell. */
export interface CellOptions {
  readonly dIn: number;
  readonly dState: number;
  readonly weight: Initializer;
  /** first values of both biases; without it there are none */
  readonly bias?: Initializer | undefined;
}

/**
 * An LSTM cell with new weights.
 *
 * @param options.dProjection width of the output where it is projected
 * @example
 * const cell = createLstmCell({ dIn: 2, dState: 3, weight: zerosInit(), bias: zerosInit() });
 */
export function createLstmCell({
  dIn,
  dState,
  dProjection,
  weight,
  bias,
}: CellOptions & { readonly dProjection?: number }): LstmCell {
  return new LstmCell(
    createLinear({ dIn, dOut: 4 * dState, weight, bias }),
    createLinear({ dIn: dProjection ?? dState, dOut: 4 * dState, weight, bias }),
    dProjection === undefined ? undefined : createLinear({ dIn: dState, dOut: dProjection, weight }),
  );
}
