import {
  add,
  bindShapes,
  formatShape,
  maximum,
  minimum,
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

/** Bounds of what an {@link LstmCell} remembers. */
export interface LstmClips {
  /** c stays in [-cellClip, cellClip], above 0; default no bound */
  readonly cellClip?: number | undefined;
  /** h stays in [-projectionClip, projectionClip], above 0, where it is projected; default no bound */
  readonly projectionClip?: number | undefined;
}

/**
 * Long short-term memory, with or without a projection of its output.
 *
 * i, f, o = sigmoid(...), g = tanh(...) of input(x) + recurrent(h); c = f c + i g; h = projection(o tanh(c)). With clips c
 * is cut to its bound before it is used, and h behind the projection.
 *
 * Shapes: input [4 N, dIn], recurrent [4 N, dOut], gates in the order i, f, g, o; projection [dOut, N] or none (dOut = N).
 * @see Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 (forget gate); Sak, Senior and Beaufays 2014,
 *   arXiv:1402.1128 (projection). As torch.nn.LSTM; the clips as in TensorFlow's LSTMCell, which ELMo was trained with.
 */
export class LstmCell implements RecurrentCell {
  readonly input: Linear;
  readonly recurrent: Linear;
  readonly projection: Linear | undefined;
  readonly cellClip: number | undefined;
  readonly projectionClip: number | undefined;

  /** @throws ShapeError if the layers do not fit each other; RangeError if a clip is not above 0 or has nothing to clip */
  constructor(input: Linear, recurrent: Linear, projection?: Linear, clips: LstmClips = {}) {
    checkClips(clips, projection !== undefined);
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
    this.cellClip = clips.cellClip;
    this.projectionClip = clips.projectionClip;
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
    const next = clip(add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g))), this.cellClip);
    const output = multiply(sigmoid(o), tanh(next));
    return { h: this.projection ? clip(this.projection.forward(output), this.projectionClip) : output, c: next };
  }
}

function checkClips(clips: LstmClips, isProjected: boolean): void {
  for (const [name, bound] of Object.entries(clips))
    if (bound !== undefined && !(bound > 0))
      throw new RangeError(`LstmCell: ${name} is out of range, expected a number above 0, got ${bound}`);
  if (clips.projectionClip !== undefined && !isProjected)
    throw new RangeError(
      `LstmCell: projectionClip has nothing to clip, expected none without a projection, got ${clips.projectionClip}`,
    );
}

const clip = (x: Tensor, bound: number | undefined): Tensor =>
  bound === undefined ? x : minimum(maximum(x, -bound), bound);

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
  ...clips
}: CellOptions & LstmClips & { readonly dProjection?: number }): LstmCell {
  return new LstmCell(
    createLinear({ dIn, dOut: 4 * dState, weight, bias }),
    createLinear({ dIn: dProjection ?? dState, dOut: 4 * dState, weight, bias }),
    dProjection === undefined ? undefined : createLinear({ dIn: dState, dOut: dProjection, weight }),
    clips,
  );
}
