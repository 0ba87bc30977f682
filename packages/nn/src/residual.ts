import { add, divide, fromArray, multiply, type Rng, ShapeError, type Tensor } from "@heed/tensor";
import type { Norm } from "./layer-norm.ts";

/** A part of a block, such as attention with its options bound. */
export type Branch = (x: Tensor) => Tensor;

/** How a branch and its norm join the stream of a block: x, branch -> x. */
export type NormPlacement = (x: Tensor, branch: Branch, join?: (x: Tensor, y: Tensor) => Tensor) => Tensor;

/** x + branch(norm(x)). @see Xiong et al. 2020, On Layer Normalization in the Transformer Architecture, arXiv:2002.04745. */
export function preNorm(norm: Norm): NormPlacement {
  return (x, branch, join = add) => join(x, branch(norm.forward(x)));
}

/** norm(x + branch(x)). @see Vaswani et al. 2017, section 3.1, arXiv:1706.03762. */
export function postNorm(norm: Norm): NormPlacement {
  return (x, branch, join = add) => norm.forward(join(x, branch(x)));
}

/** norm(x) + branch(norm(x)). @see Hugging Face transformers, BLOOM's apply_residual_connection_post_layernorm. */
export function normalizedResidual(norm: Norm): NormPlacement {
  return (x, branch, join = add) => {
    const normalized = norm.forward(x);
    return join(normalized, branch(normalized));
  };
}

/** x + after(branch(before(x))). @see Ding et al. 2021, CogView, section 2.4, arXiv:2105.13290; as Gemma 2. */
export function sandwichNorm(before: Norm, after: Norm): NormPlacement {
  return (x, branch, join = add) => join(x, after.forward(branch(before.forward(x))));
}

/**
 * x + first(norm(x)) + second(norm(x)): both branches read the same input.
 *
 * @see Wang and Komatsuzaki 2021, GPT-J; Chowdhery et al. 2022, PaLM, section 2, arXiv:2204.02311.
 */
export function parallelBranches(x: Tensor, norm: Norm, branches: readonly Branch[]): Tensor {
  const normalized = norm.forward(x);
  return branches.reduce((sum, branch) => add(sum, branch(normalized)), x);
}

/** Joins x + scale * y; scale a number, or a tensor such as a learned [E]. @see Touvron et al. 2021, LayerScale, arXiv:2103.17239. */
export function scaledResidual(scale: number | Tensor): (x: Tensor, y: Tensor) => Tensor {
  return (x, y) => add(x, multiply(y, scale));
}

/**
 * Stochastic depth: drops the whole branch of a row, and divides by the share that stays.
 *
 * Shapes: y [B, ...] -> the same. Without an rng nothing is dropped.
 * @throws RangeError if rate is not in [0, 1)
 * @see Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv:1603.09382.
 */
export function dropPath(y: Tensor, { rate, rng }: { readonly rate: number; readonly rng?: Rng | undefined }): Tensor {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`dropPath: rate is out of range, expected a number in [0, 1), got ${rate}`);
  if (y.shape.length === 0) throw new ShapeError("dropPath: y has shape [], expected [B, ...]");
  if (!rng || rate === 0) return y;
  const kept = Float64Array.from({ length: y.shape[0]! }, () => (rng.next() < rate ? 0 : 1));
  const mask = fromArray(
    kept,
    y.shape.map((size, axis) => (axis === 0 ? size : 1)),
    { dtype: y.dtype, backend: y.backend },
  );
  return divide(multiply(y, mask), 1 - rate);
}
