import type { MatrixObjective } from "./batch.ts";

/** Why a combination makes no sense. */
export interface Refusal {
  readonly reason: string;
  /** whether building or running it throws; else it runs, but not what was meant */
  readonly throws: boolean;
}

const addsToScores = new Set([
  ...["relative bias", "T5 buckets", "Shaw keys", "Shaw keys and values", "Transformer-XL", "ALiBi"],
]);
const hasNoScores = new Set(["linear", "linear, causal"]);

/** What keeps an attention, a position encoding and an objective from going together; undefined if they do. */
export function whyNot(
  attention: string,
  position: string,
  { needsLater, hidesLater }: Pick<MatrixObjective, "needsLater" | "hidesLater">,
): Refusal | undefined {
  if (hasNoScores.has(attention) && addsToScores.has(position))
    return { reason: "linear attention has no exponential that a bias could be added in", throws: true };
  if (attention === "linear, causal" && needsLater)
    return {
      reason: "causal linear attention hides every later place by itself, and the objective needs other places",
      throws: false,
    };
  if (position === "convolutional" && hidesLater)
    return {
      reason: "a centered convolution shows a place its right neighbor, which the objective's mask is to hide",
      throws: false,
    };
  return undefined;
}
