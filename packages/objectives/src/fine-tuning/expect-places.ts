import { formatShape, ShapeError, type Tensor } from "@heed/tensor";

/** @throws ShapeError if an array of the example does not fit what the model said */
export function expectPlaces(
  where: string,
  field: string,
  { length }: ArrayLike<number>,
  expected: number,
  output: Tensor,
): void {
  if (length === expected) return;
  throw new ShapeError(
    `${where}: example has ${length} ${field}, expected ${expected} (from output ${formatShape(output.shape)}). Stack as many examples as the batch has rows`,
  );
}
