import {
  add,
  arange,
  bindShapes,
  crossEntropy,
  formatShape,
  multiply,
  ShapeError,
  type Tensor,
  transpose,
} from "@heed/tensor";

/**
 * Loss of a square table of similarities whose matching pairs are on the diagonal: the mean of the cross-entropies of
 * choosing the column for each row and the row for each column.
 *
 * Shapes: similarities [N, N] -> [].
 *
 * @param similarities already divided by the temperature
 * @throws ShapeError if the table is not square
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, figure 3, arXiv:2103.00020.
 * @example
 * contrastiveLoss(tensor([[0, 0], [0, 0]])); // ln 2
 */
export function contrastiveLoss(similarities: Tensor): Tensor {
  const { N, M } = bindShapes("contrastiveLoss", { similarities: [similarities, "N M"] });
  if (N !== M)
    throw new ShapeError(
      `contrastiveLoss: similarities has shape ${formatShape(similarities.shape)}, expected as many columns as rows. Row i belongs to column i`,
    );
  const diagonal = arange(0, N, { backend: similarities.backend });
  const [byRow, byColumn] = [crossEntropy(similarities, diagonal), crossEntropy(transpose(similarities), diagonal)];
  return multiply(add(byRow, byColumn), 0.5);
}
