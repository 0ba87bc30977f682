import type { WordsFn } from "./masked-lm.ts";

/**
 * Words of tokens of which some go on with a word, so that `maskedLM` hides whole words.
 *
 * @param continues whether an id goes on with the word before it, as WordPiece's ids that begin with ##
 * @see Devlin et al. 2019, the README of BERT's code (whole word masking); Cui et al. 2021, Pre-Training With Whole Word
 *   Masking for Chinese BERT, arXiv:1906.08101.
 * @example
 * wordPieces((id) => id >= 50)(Int32Array.of(7, 60, 61, 8)); // [[0, 1, 2], [3]]
 */
export function wordPieces(continues: (id: number) => boolean): WordsFn {
  return (tokens) => {
    const words: number[][] = [];
    tokens.forEach((id, place) => {
      const word = words.at(-1);
      if (word && continues(id)) word.push(place);
      else words.push([place]);
    });
    return words;
  };
}
