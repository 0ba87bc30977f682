/** Options of {@link shiftRight}. */
export interface ShiftRightOptions {
  /** id in front, from which the first target is predicted */
  readonly startId: number;
  /** id in place of targets that do not count, -100 */
  readonly paddingId: number;
}

/**
 * What a decoder reads to predict targets: the start id, then the targets without the last (teacher forcing).
 *
 * @throws RangeError if there is no target
 * @see Sutskever et al. 2014, Sequence to Sequence Learning with Neural Networks, arXiv:1409.3215; as shift_tokens_right of
 *   Hugging Face's BART.
 * @example
 * shiftRight(Int32Array.of(7, 8, -100), { startId: 2, paddingId: 0 }); // 2 7 8
 */
export function shiftRight(targets: Int32Array, { startId, paddingId }: ShiftRightOptions): Int32Array {
  if (targets.length === 0)
    throw new RangeError("shiftRight: targets is empty, expected at least one, got none. There is nothing to predict");
  const shifted = new Int32Array(targets.length);
  shifted[0] = startId;
  shifted.set(
    targets.subarray(0, -1).map((id) => (id === -100 ? paddingId : id)),
    1,
  );
  return shifted;
}
