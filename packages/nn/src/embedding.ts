import {
  bindShapes,
  dataSync,
  detach,
  equal,
  formatShape,
  gather,
  isTracked,
  reshape,
  select,
  type Tensor,
} from "@heed/tensor";
import type { Initializer } from "./init.ts";

/** What an {@link Embedding} does beside its table. */
export interface EmbeddingOptions {
  /** looking up this id gives no gradient, as padding_idx of torch.nn.Embedding; default none */
  readonly paddingId?: number | undefined;
}

/**
 * A table of vectors looked up by id.
 *
 * Shapes: weight [V, E].
 */
export class Embedding {
  readonly weight: Tensor;
  readonly paddingId: number | undefined;

  /** @throws ShapeError if weight is not a matrix; RangeError if paddingId is no row of it */
  constructor(weight: Tensor, { paddingId }: EmbeddingOptions = {}) {
    const { V } = bindShapes("Embedding", { weight: [weight, "V E"] });
    if (paddingId !== undefined && !(Number.isInteger(paddingId) && paddingId >= 0 && paddingId < V))
      throw new RangeError(
        `Embedding: paddingId is out of range, expected a whole number in 0..${V - 1} (from weight ${formatShape(weight.shape)}), got ${paddingId}`,
      );
    this.weight = weight;
    this.paddingId = paddingId;
  }

  get numEmbeddings(): number {
    return this.weight.shape[0]!;
  }

  get dModel(): number {
    return this.weight.shape[1]!;
  }

  /**
   * Shapes: ids int32 [...] -> [..., E].
   *
   * @throws RangeError if an id is not in 0..V-1
   */
  forward(ids: Tensor): Tensor {
    checkIds(ids, this.numEmbeddings);
    const rows = gather(this.weight, ids, { axis: 0 });
    if (this.paddingId === undefined || !isTracked(this.weight)) return rows;
    return select(reshape(equal(ids, this.paddingId), [...ids.shape, 1]), detach(rows), rows);
  }
}

/** Where the backend can read at once; elsewhere its kernel never reads outside the table. */
function checkIds(ids: Tensor, numEmbeddings: number): void {
  if (!ids.backend.readSync) return;
  const values = dataSync(ids);
  const bad = values.findIndex((id) => id < 0 || id >= numEmbeddings);
  if (bad < 0) return;
  throw new RangeError(
    `Embedding: ids has ${values[bad]} at place ${bad}, expected 0..${numEmbeddings - 1} (from a vocabulary of ${numEmbeddings}). Use the tokenizer the model was trained with`,
  );
}

/** An embedding table with new weights. */
export function createEmbedding({
  numEmbeddings,
  dModel,
  weight,
  paddingId,
}: EmbeddingOptions & {
  readonly numEmbeddings: number;
  readonly dModel: number;
  readonly weight: Initializer;
}): Embedding {
  return new Embedding(weight([numEmbeddings, dModel]), { paddingId });
}
