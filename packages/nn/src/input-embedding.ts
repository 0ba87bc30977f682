import { add, broadcast, concatenate, multiply, type Tensor, zeros } from "@heed/tensor";
import type { Embedding } from "./embedding.ts";

/** What an input embedding needs of a position encoding; those of `@heed/positions` have it. */
export interface InputPosition {
  embed?(x: Tensor, positions: Tensor): Tensor;
  vectors?(positions: Tensor, options: { readonly dModel: number; readonly dtype: "float32" | "float64" }): Tensor;
}

/** How positions enter: token vectors, positions -> model vectors. */
export type Combine = (x: Tensor, position: InputPosition, positions: Tensor) => Tensor;

/** x + p. Shapes: [B, T, E] -> [B, T, E]. */
export const addPositions: Combine = (x, position, positions) => position.embed?.(x, positions) ?? x;

/**
 * [x, p]: no term of a dot product then mixes tokens and positions.
 *
 * Shapes: [B, T, E] -> [B, T, E + dPosition].
 * @throws TypeError, when it runs, if the encoding has no vectors of its own
 */
export function concatenatePositions({ dPosition }: { readonly dPosition: number }): Combine {
  return (x, position, positions) => {
    if (!position.vectors)
      throw new TypeError(
        "concatenatePositions: position has no vectors, expected an encoding with that hook, such as learned or sinusoidal",
      );
    const dtype = x.dtype === "float64" ? "float64" : "float32";
    const vectors = position.vectors(positions, { dModel: dPosition, dtype });
    return concatenate([x, broadcast(vectors, [...x.shape.slice(0, -1), dPosition])], { axis: -1 });
  };
}

/** What an {@link InputEmbedding} is made of. */
export interface InputEmbeddingParts {
  readonly tokens: Embedding;
  /** of the sentence a token belongs to; added */
  readonly segments?: Embedding | undefined;
  readonly position?: InputPosition | undefined;
  /** default addPositions */
  readonly combine?: Combine;
  /** multiplies token vectors, such as sqrt(E); default 1 */
  readonly scale?: number;
}

/**
 * Tokens, segments and positions as model vectors.
 *
 * Shapes: tokens int32 [B, T], positions int32 [T] or [B, T], segments int32 [B, T] -> [B, T, E], wider if concatenated.
 * @see Vaswani et al. 2017, section 3.4 (scale sqrt(E)), arXiv:1706.03762; Devlin et al. 2018, BERT, section 3 (segments).
 */
export class InputEmbedding {
  readonly tokens: Embedding;
  readonly segments: Embedding | undefined;
  readonly position: InputPosition | undefined;
  readonly combine: Combine;
  readonly scale: number;

  constructor({ tokens, segments, position, combine = addPositions, scale = 1 }: InputEmbeddingParts) {
    this.tokens = tokens;
    this.segments = segments;
    this.position = position;
    this.combine = combine;
    this.scale = scale;
  }

  /**
   * @param options.segments default 0 everywhere, where there is a table of segments
   * @throws TypeError for segments without a table
   */
  forward(tokens: Tensor, { positions, segments }: { readonly positions: Tensor; readonly segments?: Tensor }): Tensor {
    const embedded = this.tokens.forward(tokens);
    const scaled = this.scale === 1 ? embedded : multiply(embedded, this.scale);
    if (segments && !this.segments)
      throw new TypeError(
        "InputEmbedding: segments is given, expected none: there is no table of segments. Build the layer with one",
      );
    const ids = segments ?? zeros(tokens.shape, { dtype: "int32", backend: tokens.backend });
    const x = this.segments ? add(scaled, this.segments.forward(ids)) : scaled;
    return this.position ? this.combine(x, this.position, positions) : x;
  }
}
