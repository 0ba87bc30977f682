import type { Norm } from "@heed/nn";
import type { Tensor } from "@heed/tensor";
import type { KeysAndValues, Projected, Projection, ProjectionInput, Rotate } from "./projection.ts";

/** Parts of a {@link NormalizedProjection}. */
export interface NormalizedProjectionParts {
  readonly projection: Projection;
  /** over the head width D */
  readonly query: Norm;
  /** over the head width D */
  readonly key: Norm;
}

/**
 * A projection whose queries and keys are normalized before they are rotated. `qkNorm` does it after.
 *
 * Shapes: as the projection.
 * @see Qwen Team 2025, Qwen3 Technical Report, section 2 (QK-Norm), arXiv:2505.09388.
 */
export class NormalizedProjection implements Projection {
  readonly projection: Projection;
  readonly query: Norm;
  readonly key: Norm;

  constructor({ projection, query, key }: NormalizedProjectionParts) {
    this.projection = projection;
    this.query = query;
    this.key = key;
  }

  get numHeads(): number {
    return this.projection.numHeads;
  }

  get numKvHeads(): number {
    return this.projection.numKvHeads;
  }

  get dValue(): number {
    return this.projection.dValue;
  }

  project(input: ProjectionInput, rotate: Rotate): Projected {
    return this.projection.project(input, this.before(rotate));
  }

  queries(x: Tensor, rotate: Rotate): Tensor {
    return this.projection.queries(x, this.before(rotate));
  }

  expand(stored: KeysAndValues): KeysAndValues {
    return this.projection.expand?.(stored) ?? stored;
  }

  keepHeads(heads: readonly number[]): NormalizedProjection {
    return new NormalizedProjection({ ...this, projection: this.projection.keepHeads(heads) });
  }

  private before(rotate: Rotate): Rotate {
    return {
      query: (x) => rotate.query(this.query.forward(x)),
      key: (x) => rotate.key(this.key.forward(x)),
    };
  }
}
