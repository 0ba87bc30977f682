import { formatShape, reshape, ShapeError, type Tensor } from "@heed/tensor";

/** A weight that all heads share, or one for each head. */
export function checkPerHead(where: string, argument: string, weight: Tensor, rank: number): void {
  if (weight.shape.length === rank || weight.shape.length === rank + 1) return;
  throw new ShapeError(
    `${where}: ${argument} has shape ${formatShape(weight.shape)}, expected ${rank} axes, or ${rank + 1} with the heads first`,
  );
}

/** One number for all heads, [1], or one for each, [H], ready to multiply [B, H, T, S]. */
export function headColumn(where: string, argument: string, x: Tensor, H: number): Tensor {
  const fits = x.shape.length === 1 && (x.size === 1 || x.size === H);
  if (!fits)
    throw new ShapeError(
      `${where}: ${argument} has shape ${formatShape(x.shape)}, expected [1] or [${H}] (H, from the scores)`,
    );
  return reshape(x, [x.size, 1, 1]);
}
