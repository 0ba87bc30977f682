import { matmul, multiply, permute, subtract, sum, type Tensor } from "@heed/tensor";
import { checkWidths } from "../heads.ts";
import type { ScoreFn } from "../score-fn.ts";

const squares = (x: Tensor): Tensor => sum(multiply(x, x), { axes: -1, keepDims: true });

/**
 * -scale * |q - k|^2: with the softmax, a Gaussian kernel around the query.
 *
 * Shapes: q [B, H, T, D], k [B, H, S, D] -> [B, H, T, S].
 * Numerics: from 2 q.k - |q|^2 - |k|^2, so in float32 it is exact to about 1e-7 of the squared lengths, not of the distance.
 * Cost: O(T*S*D) time.
 * @param options.scale finite; default 1
 * @throws RangeError if scale is not finite; ShapeError if widths differ
 * @see Kim et al. 2021, The Lipschitz Constant of Self-Attention, section 4 (L2 attention), arXiv:2006.04710.
 */
export function negativeSquaredDistanceScore({ scale = 1 }: { readonly scale?: number } = {}): ScoreFn {
  if (!Number.isFinite(scale))
    throw new RangeError(`negativeSquaredDistanceScore: scale is out of range, expected a finite number, got ${scale}`);
  return (q, k) => {
    checkWidths("negativeSquaredDistanceScore", q, k);
    const lengths_BH1S = permute(squares(k), [0, 1, 3, 2]);
    const products = multiply(matmul(q, k, { transposeB: true }), 2);
    return multiply(subtract(subtract(products, squares(q)), lengths_BH1S), scale);
  };
}
