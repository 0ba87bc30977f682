import {
  bindShapes,
  concatenate,
  DTypeError,
  dataSync,
  expandDims,
  formatShape,
  greater,
  reshape,
  ShapeError,
  select,
  slice,
  stack,
  type Tensor,
} from "@heed/tensor";
import type { CellOptions } from "./lstm-cell.ts";
import type { RecurrentCell, RecurrentState } from "./recurrent-cell.ts";

/** What a call of a {@link Recurrent} takes beside its input. */
export interface RecurrentOptions {
  /** one for each cell, in the order of `cells` read row by row; default zeros */
  readonly states?: readonly RecurrentState[] | undefined;
  /** int32 [B]: steps of each row that count, the rest is padding on the right; default all */
  readonly lengths?: Tensor | undefined;
}

/** What a {@link Recurrent} gives. */
export interface RecurrentResult {
  /** [B, T, directions * dOut]; 0 after a row's length */
  readonly y: Tensor;
  /** of each cell at the end of each row, in the order of `cells` read row by row */
  readonly states: readonly RecurrentState[];
}

/**
 * Recurrent cells over a sequence: stacked, in one direction or both.
 *
 * Cells of a layer read the same input, the first forward and the second backward from each row's own end; their outputs
 * stand beside each other.
 *
 * Shapes: x [B, T, dIn] -> y [B, T, directions * dOut].
 * @see Schuster and Paliwal 1997, Bidirectional Recurrent Neural Networks. As torch.nn.LSTM with packed sequences.
 */
export class Recurrent {
  readonly cells: readonly (readonly RecurrentCell[])[];

  /** @param cells by layer; one cell (forward) or two (forward, backward) in each */
  constructor(cells: readonly (readonly RecurrentCell[])[]) {
    const bad = cells.findIndex((layer) => layer.length < 1 || layer.length > 2);
    if (cells.length === 0 || bad >= 0)
      throw new RangeError(
        `Recurrent: cells has ${cells.length === 0 ? "no layer" : `${cells[bad]!.length} cells in layer ${bad}`}, expected layers of one cell (forward) or two (forward, backward)`,
      );
    this.cells = cells;
  }

  /**
   * @throws RangeError if states is not one for each cell or a length is not in 0..T; ShapeError if lengths is not [B], a
   *   state has another shape than the cell's, or x has no step
   */
  forward(x: Tensor, { states, lengths }: RecurrentOptions = {}): RecurrentResult {
    checkSteps("Recurrent", x, lengths);
    const count = this.cells.flat().length;
    if (states && states.length !== count)
      throw new RangeError(`Recurrent: states has ${states.length} items, expected ${count} (one for each cell)`);
    this.cells.flat().forEach((cell, i) => {
      if (states) checkState(`Recurrent: states[${i}]`, states[i]!, cell.start(x, x.shape[0]!));
    });
    const ends: RecurrentState[] = [];
    let y = x;
    for (const layer of this.cells) {
      const outputs = layer.map((cell, direction) => {
        const { output, end } = run(cell, y, { backward: direction === 1, state: states?.[ends.length], lengths });
        ends.push(end);
        return output;
      });
      y = outputs.length === 1 ? outputs[0]! : concatenate(outputs, { axis: -1 });
    }
    return { y, states: ends };
  }
}

/** What {@link recur} takes beside its input. */
export interface RecurOptions {
  /** from the last step of each row to the first; default false */
  readonly backward?: boolean | undefined;
  /** before the first step that is taken; default zeros */
  readonly state?: RecurrentState | undefined;
  /** int32 [B]: steps of each row that count, the rest is padding on the right; default all */
  readonly lengths?: Tensor | undefined;
}

/**
 * One cell over a sequence: what layers are made of whose directions do not read each other, as ELMo's.
 *
 * Shapes: x [B, T, dIn] -> y [B, T, dOut], 0 after a row's length; state is that after the last step taken.
 *
 * @throws ShapeError if x has no step, or lengths or state another shape than expected; RangeError if a length is not in 0..T
 * @see Recurrent
 * @example
 * const cell = createGruCell({ dIn: 2, dState: 3, weight: zerosInit() });
 * const { y } = recur(cell, zeros([1, 4, 2]), { backward: true }); // [1, 4, 3]
 */
export function recur(
  cell: RecurrentCell,
  x: Tensor,
  { backward = false, state, lengths }: RecurOptions = {},
): { readonly y: Tensor; readonly state: RecurrentState } {
  checkSteps("recur", x, lengths);
  if (state) checkState("recur: state", state, cell.start(x, x.shape[0]!));
  const { output, end } = run(cell, x, { backward, state, lengths });
  return { y: output, state: end };
}

function checkSteps(where: string, x: Tensor, lengths: Tensor | undefined): void {
  bindShapes(where, lengths ? { x: [x, "B T dIn"], lengths: [lengths, "B"] } : { x: [x, "B T dIn"] });
  const T = x.shape[1]!;
  if (T === 0) throw new ShapeError(`${where}: x has T=0 in shape ${formatShape(x.shape)}, expected at least one step`);
  if (lengths) checkLengths(where, lengths, T);
}

/** A state of another shape would broadcast in silence. */
function checkState(where: string, given: RecurrentState, zeros: RecurrentState): void {
  for (const name of ["h", "c"] as const) {
    const [got, expected] = [given[name], zeros[name]].map((x) => (x ? formatShape(x.shape) : "none"));
    if (got !== expected) throw new ShapeError(`${where}.${name} has shape ${got}, expected ${expected}`);
  }
}

/** Values where the backend can read at once. */
function checkLengths(where: string, lengths: Tensor, T: number): void {
  if (lengths.dtype !== "int32") throw new DTypeError(`${where}: lengths has dtype ${lengths.dtype}, expected int32`);
  if (!lengths.backend.readSync) return;
  const values = dataSync(lengths);
  const bad = values.findIndex((length) => length < 0 || length > T);
  if (bad >= 0)
    throw new RangeError(
      `${where}: lengths has ${values[bad]} at index ${bad}, expected 0..${T} (from T=${T} steps of x)`,
    );
}

interface RunOptions {
  readonly backward: boolean;
  readonly state: RecurrentState | undefined;
  readonly lengths: Tensor | undefined;
}

/** One cell over all steps. Past a row's length the state stays and the output is 0. */
function run(cell: RecurrentCell, x: Tensor, { backward, state: given, lengths }: RunOptions) {
  const [B, T] = x.shape as [number, number];
  const projected = cell.project(x);
  const gates = projected.shape[2]!;
  const outputs: Tensor[] = new Array<Tensor>(T);
  let state = given ?? cell.start(x, B);
  for (let i = 0; i < T; i++) {
    const t = backward ? T - 1 - i : i;
    const next = cell.step(reshape(slice(projected, [0, t, 0], [B, 1, gates]), [B, gates]), state);
    const counts = lengths && expandDims(greater(lengths, t), -1);
    outputs[t] = counts ? select(counts, next.h, 0) : next.h;
    state = counts
      ? { h: select(counts, next.h, state.h), c: next.c && state.c && select(counts, next.c, state.c) }
      : next;
  }
  return { output: stack(outputs, { axis: 1 }), end: state };
}

/** What a new {@link Recurrent} is made of. */
export interface NewRecurrentOptions extends CellOptions {
  /** makes each cell, such as `createLstmCell` */
  readonly cell: (options: CellOptions) => RecurrentCell;
  /** default 1 */
  readonly numLayers?: number;
  /** two cells in each layer; default false */
  readonly bidirectional?: boolean;
}

/**
 * Recurrent layers with new weights: the first reads dIn, the others all that the layer below gives.
 *
 * @throws RangeError if numLayers is not a whole number >= 1
 * @example
 * const layers = createRecurrent({ cell: createGruCell, dIn: 2, dState: 3, numLayers: 2, bidirectional: true, weight: zerosInit() });
 */
export function createRecurrent({
  cell,
  numLayers = 1,
  bidirectional = false,
  dIn,
  ...options
}: NewRecurrentOptions): Recurrent {
  if (!(Number.isSafeInteger(numLayers) && numLayers >= 1))
    throw new RangeError(`createRecurrent: numLayers is out of range, expected a whole number >= 1, got ${numLayers}`);
  let width = dIn;
  const cells = Array.from({ length: numLayers }, () => {
    const layer = Array.from({ length: bidirectional ? 2 : 1 }, () => cell({ ...options, dIn: width }));
    width = layer.reduce((sum, { dOut }) => sum + dOut, 0);
    return layer;
  });
  return new Recurrent(cells);
}
