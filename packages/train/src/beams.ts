import type { BeamSearchOptions } from "./beam-search.ts";
import { applyProcessors, noToken } from "./continuation.ts";
import type { GeneratedRow } from "./processors/logits-processor.ts";

/** A hypothesis that has not ended. */
interface OpenBeam {
  readonly tokens: readonly number[];
  /** sum of the log probabilities of what was made, in nats */
  readonly logProb: number;
  /** the open hypothesis of the step before that it continues */
  readonly parent: number;
}

/** A hypothesis that has ended. */
interface EndedBeam {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** The search for one prompt. */
export interface Beams {
  readonly prompt: readonly number[];
  readonly index: number;
  /** most probable first */
  open: readonly OpenBeam[];
  /** best first, numBeams at most */
  ended: readonly EndedBeam[];
  isDone: boolean;
}

export function startBeams(prompt: Int32Array, index: number): Beams {
  const tokens = [...prompt];
  return { prompt: tokens, index, open: [{ tokens, logProb: 0, parent: 0 }], ended: [], isDone: false };
}

/** The score of a hypothesis. */
export const scoreOf = (logProb: number, made: number, lengthPenalty: number): number =>
  logProb / made ** lengthPenalty;

/** Log of the softmax, in place of the logits. */
function logSoftmax(logits: Float32Array): Float32Array {
  let most = -Infinity;
  for (const logit of logits) most = Math.max(most, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  const shift = most + Math.log(sum);
  return logits.map((logit) => logit - shift);
}

interface Candidate {
  readonly parent: number;
  readonly token: number;
  readonly logProb: number;
}

/** The best `count` continuations of all open hypotheses, best first; ties to the first. */
function bestCandidates(
  open: readonly OpenBeam[],
  logProbs: readonly (Float32Array | undefined)[],
  count: number,
): Candidate[] {
  const best: Candidate[] = [];
  open.forEach(({ logProb: before }, parent) => {
    const values = logProbs[parent] ?? [];
    for (let token = 0; token < values.length; token++) {
      const logProb = before + values[token]!;
      if (logProb === -Infinity || (best.length === count && !(logProb > best.at(-1)!.logProb))) continue;
      let place = best.length;
      while (place > 0 && best[place - 1]!.logProb < logProb) place--;
      best.splice(place, 0, { parent, token, logProb });
      if (best.length > count) best.pop();
    }
  });
  return best;
}

/** Adds one token, number `made`, to every open hypothesis of a search. */
export function step(search: Beams, logits: readonly Float32Array[], made: number, options: BeamSearchOptions): void {
  const { numBeams, maxNewTokens, lengthPenalty = 1, earlyStopping = false } = options;
  const { processors = [], stopTokens = [], stopWhen } = options;
  const rowOf = (tokens: readonly number[]): GeneratedRow => ({
    ...{ index: search.index, tokens, promptLength: search.prompt.length },
    ...{ maxNewTokens, stopTokens },
  });
  const logProbs = search.open.map(({ tokens }, i) =>
    applyProcessors(processors, logSoftmax(logits[i]!), rowOf(tokens)),
  );
  if (search.ended.length === 0 && logProbs.every((values) => values === undefined))
    throw noToken("beamSearch", { index: search.index, tokens: search.open[0]!.tokens });
  // Enough that numBeams stay open even if every hypothesis could end with every stop token.
  const count = Math.max(2, 1 + stopTokens.length) * numBeams;
  const candidates = bestCandidates(search.open, logProbs, count).map(({ parent, token, logProb }, rank) => {
    const tokens = [...search.open[parent]!.tokens, token];
    const ends = made === maxNewTokens || stopTokens.includes(token) || (stopWhen?.(rowOf(tokens)) ?? false);
    return { tokens, logProb, parent, ends, rank };
  });
  const justEnded = candidates
    .filter(({ ends, rank }) => ends && rank < numBeams)
    .map(({ tokens, logProb }) => ({ tokens, score: scoreOf(logProb, made, lengthPenalty) }));
  search.ended = [...search.ended, ...justEnded].sort((a, b) => b.score - a.score).slice(0, numBeams);
  const open = candidates.filter(({ ends }) => !ends).slice(0, numBeams);
  const isFull = search.ended.length === numBeams;
  search.isDone =
    open.length === 0 || (isFull && (earlyStopping === true || !canImprove(search, open[0]!, made, options)));
  search.open = search.isDone ? [] : open;
}

/** Whether an open hypothesis may still score better than the worst that has ended, by the rule of `earlyStopping`. */
function canImprove({ ended }: Beams, best: OpenBeam, made: number, options: BeamSearchOptions): boolean {
  const { lengthPenalty = 1, earlyStopping = false, maxNewTokens } = options;
  const length = earlyStopping === "never" && lengthPenalty > 0 ? maxNewTokens : made;
  return scoreOf(best.logProb, length, lengthPenalty) > ended.at(-1)!.score;
}
