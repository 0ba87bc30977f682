import { maximum, minimum, type Tensor } from "@heed/tensor";
import type { Projected, Projection, ProjectionInput, Rotate } from "./projection.ts";

/**
 * A projection whose queries, keys and values are held within [-limit, limit], before queries and keys are rotated.
 *
 * Keeps activations of long trainings in range. Only for projections whose stored values are the values themselves.
 *
 * Shapes: as the projection.
 * @see MosaicML 2023, MPT (`clip_qkv`); Muennighoff et al. 2024, OLMo, section 2.1 (QKV clipping), arXiv:2402.00838.
 */
export class ClippedProjection implements Projection {
  readonly projection: Projection;
  readonly limit: number;

  /** @throws RangeError if limit is not > 0; TypeError if the projection expands what is stored */
  constructor({ projection, limit }: { readonly projection: Projection; readonly limit: number }) {
    if (!(limit > 0 && limit < Infinity))
      throw new RangeError(`ClippedProjection: limit is out of range, expected a finite number > 0, got ${limit}`);
    if (projection.expand)
      throw new TypeError(
        "ClippedProjection: projection expands what is stored, expected one whose keys and values are stored as they are",
      );
    this.projection = projection;
    this.limit = limit;
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
    const { q, keys, values } = this.projection.project(input, this.before(rotate));
    return { q, keys, values: this.clip(values) };
  }

  queries(x: Tensor, rotate: Rotate): Tensor {
    return this.projection.queries(x, this.before(rotate));
  }

  keepHeads(heads: readonly number[]): ClippedProjection {
    return new ClippedProjection({ projection: this.projection.keepHeads(heads), limit: this.limit });
  }

  private before(rotate: Rotate): Rotate {
    return { query: (x) => rotate.query(this.clip(x)), key: (x) => rotate.key(this.clip(x)) };
  }

  private clip(x: Tensor): Tensor {
    return maximum(minimum(x, this.limit), -this.limit);
  }
}
