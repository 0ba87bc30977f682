import type { PositionEncoding } from "./position-encoding.ts";

/**
 * No position encoding: attention sees a set of tokens. A causal mask still lets a model tell earlier from later.
 *
 * Shapes: none; it has no hooks.
 * @see Kazemnejad et al. 2023, The Impact of Positional Encoding on Length Generalization in Transformers, arXiv:2305.19466.
 * @example
 * const position = none();
 */
export function none(): PositionEncoding {
  return {};
}
