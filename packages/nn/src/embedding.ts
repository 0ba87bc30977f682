import { bindShapes, dataSync, gather, type Tensor } from "@heed/tensor";
import type { Initializer } from "./init.ts";

/**
 * A table of vectors looked up by id.
 *
 * Shapes: weight [V, E].
 */
export class Embedding {
  readonly weight: Tensor;

  /** @throws ShapeError if weight is not a matrix */
  constructor(weight: Tensor) {
    bindShapes("Embedding", { weight: [weight, "V E"] });
    this.weight = weight;
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
    return gather(this.weight, ids, { axis: 0 });
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
}: {
  readonly numEmbeddings: number;
  readonly dModel: number;
  readonly weight: Initializer;
}): Embedding {
  return new Embedding(weight([numEmbeddings, dModel]));
}
