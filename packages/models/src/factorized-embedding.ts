import type { Embedding, Linear, Norm } from "@heed/nn";
import { formatShape, ShapeError, type Tensor } from "@heed/tensor";

/** What an embedding slot takes of a table: as `Embedding` of `@heed/nn`. */
type Table = Pick<Embedding, "weight" | "numEmbeddings" | "dModel" | "paddingId" | "forward">;

/**
 * A token embedding narrower than the model: a table, then a projection.
 *
 * Shapes: table [V, E0], projection E0 -> E; ids int32 [...] -> [..., E].
 * @see Lan et al. 2019, ALBERT, section 3.1 (factorized embeddings), arXiv:1909.11942; Zhang et al. 2022, OPT (350M).
 */
export class FactorizedEmbedding implements Table {
  readonly table: Embedding;
  readonly projection: Linear;

  /** @throws ShapeError if the projection does not take what the table gives */
  constructor(table: Embedding, projection: Linear) {
    if (projection.dIn !== table.dModel)
      throw new ShapeError(
        `FactorizedEmbedding: projection has dIn=${projection.dIn} in weight ${formatShape(projection.weight.shape)}, expected ${table.dModel} (from table ${formatShape(table.weight.shape)})`,
      );
    this.table = table;
    this.projection = projection;
  }

  /** The table, [V, E0]. */
  get weight(): Tensor {
    return this.table.weight;
  }

  get numEmbeddings(): number {
    return this.table.numEmbeddings;
  }

  /** E */
  get dModel(): number {
    return this.projection.dOut;
  }

  get paddingId(): number | undefined {
    return this.table.paddingId;
  }

  forward(ids: Tensor): Tensor {
    return this.projection.forward(this.table.forward(ids));
  }
}

/**
 * The end of such a model: a norm if there is one, then a projection to the width of the table, which is the head too.
 *
 * Shapes: projection E -> E0; x [..., E] -> [..., E0].
 * @see Zhang et al. 2022, OPT, arXiv:2205.01068 (350M).
 */
export class ProjectedNorm implements Norm {
  readonly norm: Norm | undefined;
  readonly projection: Linear;

  constructor(norm: Norm | undefined, projection: Linear) {
    this.norm = norm;
    this.projection = projection;
  }

  forward(x: Tensor): Tensor {
    return this.projection.forward(this.norm ? this.norm.forward(x) : x);
  }
}
