import { stateDict } from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import { formatShape, type Tensor } from "@heed/tensor";
import { MultiHeadAttention } from "./multi-head-attention.ts";
import { keepInputs, pick, rowsOfHeads } from "./projections/keep-rows.ts";
import { groupsOf } from "./projections/projection.ts";

function checkHeads(heads: readonly number[], numHeads: number): readonly number[] {
  const wrong = heads.find((head) => !Number.isInteger(head) || head < 0 || head >= numHeads);
  if (wrong !== undefined)
    throw new RangeError(`pruneHeads: heads has ${wrong}, expected whole numbers in 0..${numHeads - 1}`);
  const kept = Array.from({ length: numHeads }, (_, head) => head).filter((head) => !heads.includes(head));
  if (kept.length === 0)
    throw new RangeError(`pruneHeads: heads names all ${numHeads}, expected at least one to stay. Leave the layer out`);
  return kept;
}

/** An encoding that gave a bias for each head gives that of the heads that stay. */
function keepBiases(position: PositionEncoding, kept: readonly number[], numHeads: number): PositionEncoding {
  const some = (x: Tensor): Tensor => (x.shape[1] === numHeads ? pick(x, kept, 1) : x);
  const { rotate, bias } = position;
  return {
    ...(rotate && { rotate: (...given) => position.rotate!(...given) }),
    ...(bias && { bias: (...given) => some(position.bias!(...given)) }),
    // its weights, where stateDict finds them
    ...{ position },
  };
}

/**
 * The layer without some of its heads, in smaller weights: the rows of the others in the projections, their columns in the
 * output. Equal to the old layer where the values of the heads that left were 0.
 *
 * With shared key/value heads every group must be left the same number of query heads, or none.
 *
 * Shapes: as the layer.
 * @param heads numbers of the query heads to drop, 0..H-1
 * @throws RangeError if heads has something else, or all; TypeError if the attention function or the position encoding has weights for each head
 * @see Michel et al. 2019, Are Sixteen Heads Really Better than One?, arXiv:1905.10650.
 * @example
 * const layer = createMultiHeadAttention({ dModel: 8, numHeads: 4, attention: softmaxAttention(), weight: zerosInit() });
 * pruneHeads(layer, [0, 2]).numHeads; // 2
 */
export function pruneHeads(layer: MultiHeadAttention, heads: readonly number[]): MultiHeadAttention {
  const { projection, output, attention, position, memories, gate } = layer;
  const { numHeads, numKvHeads, dValue } = projection;
  const kept = checkHeads(heads, numHeads);
  for (const [name, { shape }] of stateDict(attention))
    if (shape[0] === numHeads)
      throw new TypeError(
        `pruneHeads: attention has weights for each head (${name} ${formatShape(shape)}), expected none. Build a smaller attention function and layer`,
      );
  if (position?.contentBias || position?.mixValues)
    throw new TypeError(
      "pruneHeads: position has weights that meet queries, expected an encoding that only rotates or biases. Build a smaller layer",
    );
  const groups = groupsOf(kept, numHeads, numKvHeads);
  return new MultiHeadAttention({
    projection: projection.keepHeads(kept),
    output: keepInputs(output, rowsOfHeads(kept, dValue)),
    attention,
    position: position && keepBiases(position, kept, numHeads),
    memories: memories.map((memory) => memory.keepGroups(groups)),
    gate: gate?.keepHeads(kept, numHeads),
  });
}
