import {
  add,
  arange,
  bindShapes,
  cast,
  concatenate,
  full,
  gather,
  maximum,
  multiply,
  notEqual,
  reshape,
  slice,
  sum,
  type Tensor,
} from "@heed/tensor";

/** What a decoder reads of the text that its encoder reads too: int32 [B, S] -> int32 [B, S]. */
export type SourceShift = (source: Tensor) => Tensor;

/** [B, S] behind [B, 1], without its last column. */
function behind(first: Tensor, source: Tensor): Tensor {
  const [B, S] = source.shape as [number, number];
  return concatenate([first, slice(source, [0, 0], [B, S - 1])], { axis: 1 });
}

/**
 * The source one place later, behind a start token: at each place the decoder has read what stands before it.
 *
 * Shapes: source int32 [B, S] -> int32 [B, S].
 *
 * @throws RangeError if startId is no token id
 * @see Lewis et al. 2019, BART, section 3.1 and figure 3a, arXiv:1910.13461.
 * @example
 * const shift = startingWith(2);
 */
export function startingWith(startId: number): SourceShift {
  if (!(Number.isSafeInteger(startId) && startId >= 0))
    throw new RangeError(`startingWith: startId is no token id, expected a whole number >= 0, got ${startId}`);
  return (source) => {
    const { B } = bindShapes("startingWith", { source: [source, "B S"] });
    return behind(full([B, 1], startId, { dtype: "int32", backend: source.backend }), source);
  };
}

/**
 * The source one place later, behind its own last token, which in mBART names its language.
 *
 * The last is found by counting: of n tokens that are no padding it is the one at place n - 1, as in the original. Padding
 * on the left moves it.
 *
 * Shapes: source int32 [B, S] -> int32 [B, S].
 *
 * @see Liu et al. 2020, mBART, section 2.2, arXiv:2001.08210; shift_tokens_right of Hugging Face's MBart.
 * @example
 * const shift = startingWithLast({ paddingId: 1 });
 */
export function startingWithLast({ paddingId }: { readonly paddingId: number }): SourceShift {
  return (source) => {
    const { B, S } = bindShapes("startingWithLast", { source: [source, "B S"] });
    const count = sum(cast(notEqual(source, paddingId), "int32"), { axes: 1 });
    const starts = multiply(arange(0, B, { backend: source.backend }), S);
    const places = add(starts, maximum(add(count, -1), 0));
    return behind(reshape(gather(reshape(source, [B * S]), places), [B, 1]), source);
  };
}
