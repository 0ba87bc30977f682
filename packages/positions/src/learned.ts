import {
  add,
  bindShapes,
  dataSync,
  detach,
  equal,
  formatShape,
  gather,
  isTracked,
  reshape,
  ShapeError,
  select,
  type Tensor,
} from "@heed/tensor";
import type { PositionEncoding, VectorOptions } from "./position-encoding.ts";

/** How positions find their rows. */
export interface LearnedOptions {
  /** position p has row p + offset; the rows before serve positions -offset..-1, such as OPT's of padding, -1; default 0 */
  readonly offset?: number;
  /** position whose row its own lookups do not train, as padding_idx of torch.nn.Embedding; default none */
  readonly untrained?: number | undefined;
}

/**
 * One learned vector per position, added to the token embedding.
 *
 * Shapes: table [offset + maxSeqLen, E].
 * @see Gehring et al. 2017, Convolutional Sequence to Sequence Learning, section 3.1, arXiv:1705.03122; as in BERT and GPT.
 */
export class LearnedPositions implements PositionEncoding {
  readonly table: Tensor;
  readonly offset: number;
  readonly untrained: number | undefined;

  /** @throws ShapeError if table is not a matrix; RangeError if offset leaves it no row or untrained has none */
  constructor(table: Tensor, { offset = 0, untrained }: LearnedOptions = {}) {
    bindShapes("LearnedPositions", { table: [table, "maxSeqLen E"] });
    if (!Number.isInteger(offset) || offset < 0 || offset >= table.shape[0]!)
      throw new RangeError(
        `LearnedPositions: offset is out of range, expected a whole number in 0..${table.shape[0]! - 1} (from table ${formatShape(table.shape)}), got ${offset}`,
      );
    const numPositions = table.shape[0]! - offset;
    if (untrained !== undefined && !(Number.isInteger(untrained) && untrained >= 0 && untrained < numPositions))
      throw new RangeError(
        `LearnedPositions: untrained is out of range, expected a position in 0..${numPositions - 1} (from table ${formatShape(table.shape)}), got ${untrained}`,
      );
    this.table = table;
    this.offset = offset;
    this.untrained = untrained;
  }

  /**
   * Rows of the table. Shapes: positions int32 [T] or [B, T] -> [T, E] or [B, T, E].
   *
   * @throws ShapeError if the table has another width than `dModel`; RangeError as `embed`
   */
  vectors(positions: Tensor, options: VectorOptions): Tensor {
    const rows = tableRows("LearnedPositions", this.table, positions, options, this.offset);
    if (this.untrained === undefined || !isTracked(this.table)) return rows;
    return select(reshape(equal(positions, this.untrained), [...positions.shape, 1]), detach(rows), rows);
  }

  /**
   * Shapes: x [..., T, E], positions int32 [T] or [B, T] -> as x.
   *
   * @throws RangeError naming the first position outside the table, where the backend can read at once
   */
  embed(x: Tensor, positions: Tensor): Tensor {
    const dModel = this.table.shape[1]!;
    checkEmbedShapes("LearnedPositions", x, positions, dModel);
    return add(x, this.vectors(positions, { dModel }));
  }
}

/** Rows of a table by position. @internal */
export function tableRows(
  where: string,
  table: Tensor,
  positions: Tensor,
  { dModel }: VectorOptions,
  offset = 0,
): Tensor {
  const [size, width] = table.shape as [number, number];
  if (dModel !== width)
    throw new ShapeError(`${where}: dModel is ${dModel}, expected ${width} (from table ${formatShape(table.shape)})`);
  checkRange(where, positions, size - offset, -offset);
  return gather(table, offset === 0 ? positions : add(positions, offset), { axis: 0 });
}

/** @internal */
export function checkEmbedShapes(where: string, x: Tensor, positions: Tensor, dModel: number): void {
  if (x.shape.length < 2 || x.shape.at(-1) !== dModel) {
    throw new ShapeError(`${where}: x has shape ${formatShape(x.shape)}, expected [..., T, E] with E=${dModel}`);
  }
  const rank = positions.shape.length;
  const fits =
    positions.shape.at(-1) === x.shape.at(-2) &&
    (rank === 1 || (rank === 2 && x.shape.length === 3 && positions.shape[0] === x.shape[0]));
  if (!fits)
    throw new ShapeError(
      `${where}: positions has shape ${formatShape(positions.shape)}, expected [T] or [B, T] (from x ${formatShape(x.shape)})`,
    );
}

/** @internal */
export function checkRange(where: string, positions: Tensor, maxSeqLen: number, first = 0): void {
  if (!positions.backend.readSync) return;
  const values = dataSync(positions);
  const bad = values.findIndex((position) => position < first || position >= maxSeqLen);
  if (bad < 0) return;
  throw new RangeError(
    `${where}: positions has ${values[bad]} at index ${bad}, expected ${first}..${maxSeqLen - 1} (from a table of ${maxSeqLen} positions). Shorten the sequence or build a longer table`,
  );
}

/**
 * Learned positions with a new table.
 *
 * @param options.table makes the first values, such as `normalInit` of `@heed/nn`
 * @example
 * const position = learned({ maxSeqLen: 64, dModel: 8, table: (shape) => normal(shape, { rng: rng(0), std: 0.02 }) });
 */
export function learned({
  maxSeqLen,
  dModel,
  table,
  offset = 0,
  untrained,
}: LearnedOptions & {
  readonly maxSeqLen: number;
  readonly dModel: number;
  readonly table: (shape: readonly number[]) => Tensor;
}): LearnedPositions {
  if (!Number.isInteger(maxSeqLen) || maxSeqLen < 1)
    throw new RangeError(`learned: maxSeqLen is out of range, expected a whole number >= 1, got ${maxSeqLen}`);
  return new LearnedPositions(table([offset + maxSeqLen, dModel]), { offset, untrained });
}
