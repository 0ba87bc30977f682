import { bindShapes, expectDType, formatShape, reshape, ShapeError, slice, type Tensor } from "@heed/tensor";
import type { Mask } from "../mask.ts";

/**
 * Hides keys that are padding, whatever their position.
 *
 * keep[b, s] says whether key s of row b, counted from the first key of the sequence (in a decoding: of the cache), is
 * a real token. It may be longer than the keys there are so far.
 *
 * Shapes: keep bool [B, S or more] -> [B, 1, 1, S].
 * @throws ShapeError if keep has fewer columns than there are keys
 * @see Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762; the attention_mask of Hugging Face models.
 * @example
 * const mask = and(causal(), padding(tensor([[1, 1, 1], [1, 1, 0]], { dtype: "bool" })));
 */
export function padding(keep: Tensor): Mask {
  const { B, S: columns } = bindShapes("padding", { keep: [keep, "B S"] });
  expectDType("padding", { keep }, "bool");
  return (_, keyPositions) => {
    const S = keyPositions.shape.at(-1)!;
    if (columns < S)
      throw new ShapeError(
        `padding: keep has ${columns} columns in shape ${formatShape(keep.shape)}, expected at least ${S} (from keyPositions ${formatShape(keyPositions.shape)})`,
      );
    const visible = columns === S ? keep : slice(keep, [0, 0], [B, S]);
    return reshape(visible, [B, 1, 1, S]);
  };
}
