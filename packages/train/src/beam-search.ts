import { BatchReader } from "./batch-reader.ts";
import { type Beams, scoreOf, startBeams, step } from "./beams.ts";
import { type ContinuationOptions, checkContinuation } from "./continuation.ts";
import { nextTask } from "./next-task.ts";

/** What {@link beamSearch} takes. */
export interface BeamSearchOptions extends ContinuationOptions {
  /** hypotheses kept for each prompt, whole number >= 1 */
  readonly numBeams: number;
  /** a hypothesis scores its log probability / (tokens made)^lengthPenalty: above 0 longer ones gain; finite, default 1 */
  readonly lengthPenalty?: number;
  /**
   * when a prompt is done: `true` as soon as numBeams hypotheses have ended; `false` when the best open one, at its present
   * length, scores no better than the worst ended; `"never"` when it cannot even at its best length. Default false
   */
  readonly earlyStopping?: boolean | "never";
}

/** A continuation that beam search found. */
export interface Hypothesis {
  /** what follows the prompt, a stop token included */
  readonly tokens: readonly number[];
  /** log probability / (tokens made)^lengthPenalty, in nats */
  readonly score: number;
}

/**
 * The most probable continuations that a search in breadth finds: for each prompt numBeams of them or fewer, best first.
 *
 * In every step all open hypotheses are continued with every token, and the numBeams best that have not ended stay open.
 * Processors change log probabilities here; a hypothesis that they leave no token is dropped. Aborted by its signal, it gives the best it has so far, open ones included.
 *
 * Numerics: log probabilities are summed in float64.
 * Cost: a forward pass of numBeams rows for each prompt and token.
 * @throws RangeError for the reasons of `generate`; for a search that would outgrow the model's context; for options out of range
 * @see Graves 2012, Sequence Transduction with Recurrent Neural Networks, section 2.6, arXiv:1211.3711; Wu et al. 2016,
 *   Google's Neural Machine Translation System, section 7, arXiv:1609.08144. Length penalty and early stopping are those of
 *   Hugging Face transformers.
 * @example
 * const [found = []] = await beamSearch({ model, prompts: [prompt], maxNewTokens: 8, numBeams: 3, stopTokens: [4] });
 * console.log(found[0]?.tokens);
 */
export async function beamSearch(options: BeamSearchOptions): Promise<Hypothesis[][]> {
  checkOptions(options);
  const { model, prompts, maxNewTokens, numBeams, prefix, signal } = options;
  if (maxNewTokens === 0) return prompts.map(() => [{ tokens: [], score: 0 }]);
  const searches = prompts.map((prompt, index) => startBeams(prompt, index));
  const reader = new BatchReader(model, prompts.length, prefix);
  try {
    let fresh = prompts.map((prompt) => [...prompt].slice(prefix?.tokens.length ?? 0));
    for (let made = 1; made <= maxNewTokens; made++) {
      await nextTask();
      if (signal?.aborted) break;
      const logits = await reader.read(fresh);
      const parents = takeStep(searches, logits, made, options);
      if (searches.every(({ isDone }) => isDone)) break;
      reader.reorder(parents);
      fresh = searches.flatMap(({ open }) => open.map(({ tokens }) => tokens.slice(-1)));
    }
  } finally {
    reader.dispose();
  }
  return searches.map((search) => hypotheses(search, numBeams, options.lengthPenalty ?? 1));
}

/** Steps all searches that are not done, whose rows leave the batch when they are; returns which row of the batch each open hypothesis comes from. */
function takeStep(
  searches: readonly Beams[],
  logits: readonly Float32Array[],
  made: number,
  options: BeamSearchOptions,
): number[] {
  const parents: number[] = [];
  let first = 0;
  for (const search of searches) {
    const numOpen = search.open.length;
    if (!search.isDone) step(search, logits.slice(first, first + numOpen), made, options);
    for (const { parent } of search.open) parents.push(first + parent);
    first += numOpen;
  }
  return parents;
}

function hypotheses({ ended, open, prompt }: Beams, numBeams: number, lengthPenalty: number): Hypothesis[] {
  const made = (tokens: readonly number[]): number => tokens.length - prompt.length;
  const found =
    ended.length > 0
      ? ended
      : open.map(({ tokens, logProb }) => ({ tokens, score: scoreOf(logProb, made(tokens), lengthPenalty) }));
  return found.slice(0, numBeams).map(({ tokens, score }) => ({ tokens: tokens.slice(prompt.length), score }));
}

function checkOptions(options: BeamSearchOptions): void {
  checkContinuation("beamSearch", options);
  const { model, prompts, maxNewTokens, numBeams, lengthPenalty = 1, earlyStopping = false } = options;
  if (!(Number.isSafeInteger(numBeams) && numBeams >= 1))
    throw new RangeError(`beamSearch: numBeams is out of range, expected a whole number >= 1, got ${numBeams}`);
  if (!Number.isFinite(lengthPenalty))
    throw new RangeError(`beamSearch: lengthPenalty is out of range, expected a finite number, got ${lengthPenalty}`);
  if (typeof earlyStopping !== "boolean" && earlyStopping !== "never")
    throw new RangeError(
      `beamSearch: earlyStopping is unknown, expected true, false or "never", got ${JSON.stringify(earlyStopping)}`,
    );
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  // The last token is picked but not read.
  if (longest + maxNewTokens - 1 > model.maxSeqLen)
    throw new RangeError(
      `beamSearch: maxNewTokens is out of range, expected at most ${model.maxSeqLen + 1 - longest} after a prompt of ${longest} tokens (the model's context is ${model.maxSeqLen}), got ${maxNewTokens}. Ask for fewer tokens`,
    );
}
