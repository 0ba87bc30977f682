import { bindShapes, matmul, reshape, type Tensor } from "@heed/tensor";

/** Each head's matrix becomes a weighted sum of all heads' matrices: y[h] = sum over g of weight[h, g] x[g]. */
export function mixHeads(where: string, x: Tensor, weight: Tensor): Tensor {
  const { B, H, T, S } = bindShapes(where, { scores: [x, "B H T S"], weight: [weight, "H H"] });
  return reshape(matmul(weight, reshape(x, [B, H, T * S])), [B, H, T, S]);
}
