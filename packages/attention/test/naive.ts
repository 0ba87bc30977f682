// Attention in plain loops, from formulas of the papers: what the tests compare with. Knows nothing of the package.
import type { HeadInput } from "../src/testing.ts";

export type NaiveScore = (q: readonly number[], k: readonly number[], head: number) => number;
export type NaiveWeigh = (scores: readonly number[]) => number[];

export const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
export const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

export const softmax: NaiveWeigh = (scores) => {
  const powers = scores.map((score) => Math.exp(score));
  return powers.map((power) => power / total(powers));
};

/** Weights of one row over all keys: the visible ones weighed, the hidden ones 0. */
export function weighRow(weigh: NaiveWeigh, scores: readonly number[], visible: readonly boolean[]): number[] {
  const weights = weigh(scores.filter((_, s) => visible[s]));
  return visible.map((seen) => (seen ? weights.shift()! : 0));
}

export const mix = (weights: readonly number[], v: HeadInput["v"]): number[] =>
  v[0]!.map((_, d) => total(v.map((row, s) => weights[s]! * row[d]!)));

/** The oracle of a score and a weighting. */
export const naive =
  (score: NaiveScore, weigh: NaiveWeigh = softmax) =>
  ({ q, k, v, visible, head }: HeadInput): number[][] =>
    q.map((query, t) =>
      mix(
        weighRow(
          weigh,
          k.map((key) => score(query, key, head)),
          visible[t]!,
        ),
        v,
      ),
    );
