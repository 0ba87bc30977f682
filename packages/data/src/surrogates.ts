/** Where the first surrogate without its partner is, counted in UTF-16 units, or -1: such text is not Unicode. */
export function findLoneSurrogate(text: string): number {
  // In unicode mode a pair is one code point above U+FFFF, so only lone ones match.
  return text.search(/\p{Surrogate}/u);
}
