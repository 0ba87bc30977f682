/** What examples are made of: plain arrays by name. */
export type PlainArrays<E> = { readonly [Field in keyof E]: Int32Array | Float32Array };

/**
 * Examples of equal length in a row, as one: a batch. Every array of the batch is that array of each example, one after the other.
 *
 * @throws RangeError if there are none or the lengths of an array differ
 */
export function stackExamples<E extends PlainArrays<E>>(examples: readonly E[]): E {
  const [first] = examples;
  if (!first) throw new RangeError("stackExamples: examples is empty, expected at least one example, got none");
  const fields = Object.keys(first) as (keyof E & string)[];
  return Object.fromEntries(fields.map((field) => [field, stackField(examples, field)])) as E;
}

function stackField<E extends PlainArrays<E>>(examples: readonly E[], field: keyof E & string) {
  const arrays = examples.map((example) => example[field] as Int32Array | Float32Array);
  const { length } = arrays[0]!;
  arrays.forEach((array, i) => {
    if (array.length !== length)
      throw new RangeError(
        `stackExamples: examples[${i}] has ${array.length} places in ${field}, expected ${length} (from examples[0]). Cut or pad them to one length`,
      );
  });
  const stacked =
    arrays[0] instanceof Int32Array ? new Int32Array(length * arrays.length) : new Float32Array(length * arrays.length);
  arrays.forEach((array, i) => void stacked.set(array, i * length));
  return stacked;
}
