import { shuffle } from "../choose.ts";
import type { NoiseFn } from "./noise-fn.ts";

/**
 * Puts sentences in another order.
 *
 * @param options.sentenceEndId id that ends a sentence and goes with it; what follows the last one is a sentence too
 * @see Lewis et al. 2020, BART, section 2.2 (Sentence Permutation), arXiv:1910.13461.
 * @example
 * sentencePermutation({ sentenceEndId: 3 })(Int32Array.of(5, 3, 6, 7, 3), rng(0)); // perhaps 6 7 3 5 3
 */
export function sentencePermutation({ sentenceEndId }: { readonly sentenceEndId: number }): NoiseFn {
  return (tokens, rng) => {
    const sentences: number[][] = [[]];
    for (const id of tokens) {
      sentences.at(-1)!.push(id);
      if (id === sentenceEndId) sentences.push([]);
    }
    return Int32Array.from(
      shuffle(
        sentences.filter(({ length }) => length > 0),
        rng,
      ).flat(),
    );
  };
}
