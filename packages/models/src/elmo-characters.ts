import { fromArray, type Tensor } from "@heed/tensor";

// In every browser and Node, but not in the ES2022 library this package is compiled against.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** Rows of the table of characters: 0 is no character, then 256 bytes and five marks, each one later than its number. */
export const numElmoCharacters = 262;
const marks = { sentenceBegin: 257, sentenceEnd: 258, wordBegin: 259, wordEnd: 260, rest: 261 } as const;

/** A word as ids: its bytes between the marks of a word, filled up. */
function wordIds(bytes: Iterable<number>, maxCharacters: number): Int32Array {
  const ids = new Int32Array(maxCharacters).fill(marks.rest);
  const inside = [...bytes].slice(0, maxCharacters - 2);
  ids.set([marks.wordBegin, ...inside, marks.wordEnd]);
  return ids;
}

/** The words that stand before and behind every sentence, [maxCharacters] each. */
export const sentenceEnds = (maxCharacters: number): { readonly begin: Int32Array; readonly end: Int32Array } => ({
  begin: wordIds([marks.sentenceBegin], maxCharacters),
  end: wordIds([marks.sentenceEnd], maxCharacters),
});

/**
 * Words as ELMo reads them: the UTF-8 bytes of each between two marks, filled up to one length; shorter sentences with zeros.
 *
 * The words `<S>` and `</S>` are the boundaries of a sentence, which the model itself adds. What is longer than
 * `maxCharacters` - 2 bytes is cut; halves of surrogate pairs are left out.
 *
 * Shapes: B sentences, the longest of T words -> int32 [B, T, maxCharacters], ids 1 to 261, 0 behind a sentence's end.
 *
 * @param options.maxCharacters ids of a word, at least 3; default 50
 * @throws RangeError if there is no word, or `maxCharacters` is out of range
 * @see AllenNLP, `ELMoCharacterMapper`; Peters et al. 2018, arXiv:1802.05365.
 * @example
 * const characters = elmoCharacters([["Words", "are", "not", "alone"], ["So"]]); // [2, 4, 50]
 */
export function elmoCharacters(
  sentences: readonly (readonly string[])[],
  { maxCharacters = 50 }: { readonly maxCharacters?: number } = {},
): Tensor {
  if (!(Number.isSafeInteger(maxCharacters) && maxCharacters >= 3))
    throw new RangeError(
      `elmoCharacters: maxCharacters is out of range, expected a whole number >= 3, got ${maxCharacters}`,
    );
  const T = Math.max(0, ...sentences.map((words) => words.length));
  if (T === 0) throw new RangeError("elmoCharacters: sentences has no word, expected at least one, got none");
  const ids = new Int32Array(sentences.length * T * maxCharacters);
  const { begin, end } = sentenceEnds(maxCharacters);
  const known = new Map([
    ["<S>", begin],
    ["</S>", end],
  ]);
  const encoder = new TextEncoder();
  const idsOf = (word: string): Int32Array =>
    known.get(word) ??
    wordIds(
      Array.from(encoder.encode(word.replace(/\p{Surrogate}/gu, "")), (byte) => byte + 1),
      maxCharacters,
    );
  sentences.forEach((words, b) => {
    words.forEach((word, t) => void ids.set(idsOf(word), (b * T + t) * maxCharacters));
  });
  return fromArray(ids, [sentences.length, T, maxCharacters], { dtype: "int32" });
}
