import { bindShapes, equal, expectDType, formatShape, reshape, ShapeError, slice, type Tensor } from "@heed/tensor";
import type { Mask } from "../mask.ts";

/** `count` columns of a [S] or [B, S] tensor, from `start`. */
function columns(x: Tensor, start: number, count: number): Tensor {
  const lead = x.shape.slice(0, -1);
  return slice(x, [...lead.map(() => 0), start], [...lead, count]);
}

function checkSegments(x: Tensor): void {
  bindShapes("blockDiagonal", { segments: [x, "... S"] });
  expectDType("blockDiagonal", { segments: x }, "int32");
  if (x.shape.length > 2)
    throw new ShapeError(`blockDiagonal: segments has shape ${formatShape(x.shape)}, expected [S] or [B, S]`);
}

/**
 * A query sees the keys of its own segment: several short texts packed into one sequence stay apart.
 *
 * segments[b, s] is the segment of token s of row b, counted from the first key of the sequence (in a decoding: of the
 * cache); the queries are the last T of them. Positions may start again in each segment.
 *
 * Shapes: segments int32 [S or more] or [B, S or more] -> bool [T, S] or [B, 1, T, S].
 * @throws ShapeError if segments has fewer columns than there are keys
 * @see Krell et al. 2021, Efficient Sequence Packing without Cross-contamination, section 3.2.2, arXiv:2107.02027.
 * @example
 * const packed = and(causal(), blockDiagonal(tensor([0, 0, 0, 1, 1], { dtype: "int32" })));
 */
export function blockDiagonal(segments: Tensor): Mask {
  checkSegments(segments);
  return (queryPositions, keyPositions) => {
    const [T, S] = [queryPositions.shape.at(-1)!, keyPositions.shape.at(-1)!];
    const given = segments.shape.at(-1)!;
    if (given < S || S < T)
      throw new ShapeError(
        `blockDiagonal: segments has ${given} columns in shape ${formatShape(segments.shape)}, expected at least S=${S} (from keyPositions) of which the last T=${T} are the queries'`,
      );
    const lead = segments.shape.length === 2 ? [segments.shape[0]!, 1] : [];
    const query = reshape(columns(segments, S - T, T), [...lead, T, 1]);
    return equal(query, reshape(columns(segments, 0, S), [...lead, 1, S]));
  };
}
