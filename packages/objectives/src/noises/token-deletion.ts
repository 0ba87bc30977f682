import { choose } from "../choose.ts";
import { checkRate } from "../rates.ts";
import type { NoiseFn } from "./noise-fn.ts";

/**
 * Leaves tokens out: round(n rate) of n, but never all; where, the model must find out.
 *
 * @param options.rate in (0, 1)
 * @see Lewis et al. 2020, BART, section 2.2 (Token Deletion), arXiv:1910.13461.
 * @example
 * tokenDeletion({ rate: 0.5 })(Int32Array.of(5, 6, 7, 8), rng(0)); // two of them
 */
export function tokenDeletion({ rate }: { readonly rate: number }): NoiseFn {
  checkRate("tokenDeletion", "rate", rate);
  return (tokens, rng) => {
    const kept = Math.max(1, tokens.length - Math.round(tokens.length * rate));
    return Int32Array.from(choose(tokens.length, Math.min(kept, tokens.length), rng), (place) => tokens[place]!);
  };
}
