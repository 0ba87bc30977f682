/** What every side that generates shares: the prompt, the greedy choice, and the logits that the witness shows. */
import { type GptShape, makeBatch } from "../gpt.ts";
import { BATCH_SEED } from "../task.ts";

/** A prompt of random tokens. */
export function promptTokens(shape: GptShape, length: number): Int32Array {
  return makeBatch({ ...shape, context: length }, 1, BATCH_SEED).tokens;
}

/** The most probable token. */
export function greedyToken(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}

/** Sixteen logits, spread over the vocabulary. */
export function sampleOfLogits(logits: ArrayLike<number>): number[] {
  const samples = 16;
  return Array.from(
    { length: samples },
    (_, i) => logits[Math.floor((i * (logits.length - 1)) / (samples - 1))] as number,
  );
}
