import { bindShapes, broadcast, expectDType, formatShape, reshape, ShapeError, type Tensor } from "@heed/tensor";

/** Sizes of a call of an attention function. */
export interface AttentionSizes {
  readonly B: number;
  readonly H: number;
  readonly G: number;
  readonly T: number;
  readonly S: number;
  readonly Dv: number;
}

/** Throws unless key/value heads divide query heads. */
function checkGroups(where: string, q: Tensor, k: Tensor): void {
  const [H, G] = [q.shape[1]!, k.shape[1]!];
  if (H % G === 0) return;
  throw new ShapeError(`${where}: k has G=${G} heads, expected a divisor of H=${H} (from q ${formatShape(q.shape)})`);
}

/** Throws unless `x` stretches to [B, H, T, S]. */
function checkStretch(where: string, argument: string, x: Tensor, { B, H, T, S }: AttentionSizes): void {
  const whole = [B, H, T, S];
  const rank = x.shape.length;
  if (rank <= 4 && x.shape.every((size, axis) => size === 1 || size === whole[4 - rank + axis])) return;
  throw new ShapeError(
    `${where}: ${argument} has shape ${formatShape(x.shape)}, expected one that stretches to ${formatShape(whole)} [B, H, T, S]`,
  );
}

/** Binds and checks what every attention function takes; widths of q and k are the score's own business. */
export function bindAttention(
  where: string,
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  { mask, bias }: { readonly mask?: Tensor | undefined; readonly bias?: Tensor | undefined },
): AttentionSizes {
  const sizes = bindShapes(where, { q: [q, "B H T Dq"], k: [k, "B G S Dk"], v: [v, "B G S Dv"] });
  checkGroups(where, q, k);
  expectDType(where, { q }, "float32", "float64");
  expectDType(where, { k, v, ...(bias && { bias }) }, q.dtype);
  if (mask) {
    expectDType(where, { mask }, "bool");
    checkStretch(where, "mask", mask, sizes);
  }
  if (bias) checkStretch(where, "bias", bias, sizes);
  return sizes;
}

/** Throws unless queries and keys are equally wide. */
export function checkWidths(where: string, q: Tensor, k: Tensor): void {
  bindShapes(where, { q: [q, "... T D"], k: [k, "... S D"] });
}

/** [B, G, S, D] -> [B, H, S, D]: each key/value head serves H / G query heads in a row. */
export function repeatHeads(x: Tensor, H: number): Tensor {
  const [B, G, S, D] = x.shape as [number, number, number, number];
  if (G === H) return x;
  return reshape(broadcast(reshape(x, [B, G, 1, S, D]), [B, G, H / G, S, D]), [B, H, S, D]);
}
