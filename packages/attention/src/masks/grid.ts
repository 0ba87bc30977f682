import { formatShape, reshape, ShapeError, type Tensor } from "@heed/tensor";

function checkRank(where: string, argument: string, positions: Tensor): void {
  if (positions.shape.length !== 1 && positions.shape.length !== 2) {
    throw new ShapeError(`${where}: ${argument} has shape ${formatShape(positions.shape)}, expected [T] or [B, T]`);
  }
}

/** Query positions down, key positions across, ready to broadcast: [T, 1] and [1, S], or [B, 1, T, 1] and [B, 1, 1, S]. */
export function positionGrid(
  where: string,
  queryPositions: Tensor,
  keyPositions: Tensor,
): { query: Tensor; key: Tensor } {
  checkRank(where, "queryPositions", queryPositions);
  checkRank(where, "keyPositions", keyPositions);
  const batched = queryPositions.shape.length === 2 || keyPositions.shape.length === 2;
  const place = (x: Tensor, sizes: (length: number) => number[]): Tensor => {
    const inner = sizes(x.shape.at(-1)!);
    if (!batched) return reshape(x, inner);
    return reshape(x, [x.shape.length === 2 ? x.shape[0]! : 1, 1, ...inner]);
  };
  return { query: place(queryPositions, (T) => [T, 1]), key: place(keyPositions, (S) => [1, S]) };
}
