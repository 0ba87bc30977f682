import { formatShape, ShapeError, type Tensor } from "@heed/tensor";

/** @throws ShapeError if b is not shaped like a */
export function expectSameShape(
  where: string,
  [nameA, a]: readonly [string, Tensor],
  [nameB, b]: readonly [string, Tensor],
): void {
  if (formatShape(a.shape) === formatShape(b.shape)) return;
  throw new ShapeError(
    `${where}: ${nameB} has shape ${formatShape(b.shape)}, expected ${formatShape(a.shape)} (from ${nameA})`,
  );
}
