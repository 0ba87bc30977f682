/** How texts become one row of ids: [class] first [separator], or [class] first [separator] second [separator], then padding. */
export interface TextTemplate {
  /** ids of a row, its special ones and padding included */
  readonly length: number;
  /** id in front, whose place a classifier reads; BERT's [CLS] */
  readonly classId: number;
  /** id behind each text; BERT's [SEP] */
  readonly separatorId: number;
  /** id that fills the row up */
  readonly paddingId: number;
}

/** A row as the model reads it, or several in a row. Plain arrays of equal length. */
export interface TextInputs {
  /** ids */
  readonly inputs: Int32Array;
  /** 0 for the first text and the specials around it, 1 for the second and its separator, 0 for padding */
  readonly segments: Int32Array;
  /** 1 where there is a token, 0 where there is padding, which nobody may see */
  readonly keep: Int32Array;
}

/** A row and where its texts begin in it. */
export interface FilledTemplate {
  readonly row: TextInputs;
  readonly firstAt: number;
  readonly secondAt: number;
}

/** @throws RangeError if the length leaves no place for a token */
export function checkTemplate(where: string, { length }: TextTemplate): void {
  if (!Number.isSafeInteger(length) || length < 3)
    throw new RangeError(
      `${where}: length is out of range, expected a whole number >= 3 (class, one token, separator), got ${length}`,
    );
}

/**
 * Fills the template.
 *
 * @throws RangeError if a text is empty or the texts are too long: nothing is cut in silence
 * @see Devlin et al. 2019, BERT, section 3 and figure 2, arXiv:1810.04805.
 */
export function fillTemplate(
  where: string,
  template: TextTemplate,
  first: Int32Array,
  second?: Int32Array,
): FilledTemplate {
  const { length, classId, separatorId, paddingId } = template;
  if (first.length === 0 || second?.length === 0)
    throw new RangeError(`${where}: a text is empty, expected at least one token in each, got none`);
  const needed = first.length + 2 + (second ? second.length + 1 : 0);
  if (needed > length)
    throw new RangeError(
      `${where}: the texts need ${needed} places with their special ids, expected at most ${length} (length). Shorten them or give a greater length`,
    );
  const inputs = new Int32Array(length).fill(paddingId);
  const segments = new Int32Array(length);
  inputs[0] = classId;
  inputs.set(first, 1);
  inputs[first.length + 1] = separatorId;
  const secondAt = first.length + 2;
  if (second) {
    inputs.set(second, secondAt);
    inputs[needed - 1] = separatorId;
    segments.fill(1, secondAt, needed);
  }
  return { row: { inputs, segments, keep: new Int32Array(length).fill(1, 0, needed) }, firstAt: 1, secondAt };
}
