import type { EncoderDecoderExample } from "./objective.ts";
import { shiftRight } from "./shift-right.ts";

/** Sizes and ids of an encoder's and a decoder's rows. */
export interface Seq2SeqLayout {
  /** places of the encoder, the end id included */
  readonly sourceLength: number;
  /** places of the decoder, the end id included */
  readonly targetLength: number;
  /** id the decoder begins with */
  readonly startId: number;
  /** id behind source and target */
  readonly endId: number;
  /** id that fills rows up; predicting it does not count */
  readonly paddingId: number;
}

/** @throws RangeError for lengths that leave no place for a token beside the end id */
export function checkLayout(where: string, layout: Seq2SeqLayout): void {
  for (const argument of ["sourceLength", "targetLength"] as const) {
    const length = layout[argument];
    if (!Number.isSafeInteger(length) || length < 2)
      throw new RangeError(
        `${where}: ${argument} is out of range, expected a whole number >= 2 (one token, end id), got ${length}`,
      );
  }
}

/** Source and target with their end ids in rows of fixed lengths. @throws RangeError if one is empty or too long */
export function fillSeq2Seq(
  where: string,
  { sourceLength, targetLength, startId, endId, paddingId }: Seq2SeqLayout,
  source: Int32Array,
  target: Int32Array,
): EncoderDecoderExample {
  const fill = (argument: string, tokens: Int32Array, length: number): Int32Array => {
    if (tokens.length === 0)
      throw new RangeError(`${where}: ${argument} is empty, expected at least one token, got none`);
    if (tokens.length >= length)
      throw new RangeError(
        `${where}: ${argument} has ${tokens.length} tokens, expected at most ${length - 1}, the end id taking one of ${length} places. Shorten it or give a greater length`,
      );
    const row = new Int32Array(length).fill(paddingId);
    row.set(tokens);
    row[tokens.length] = endId;
    return row;
  };
  const inputs = fill("source", source, sourceLength);
  const targets = fill("target", target, targetLength);
  return {
    inputs,
    keep: new Int32Array(sourceLength).fill(1, 0, source.length + 1),
    decoderInputs: shiftRight(targets, { startId, paddingId }),
    targets,
    lossWeights: new Float32Array(targetLength).fill(1, 0, target.length + 1),
  };
}
