/** A row of a batch while it is continued. */
export interface GeneratedRow {
  /** which of the prompts it continues */
  readonly index: number;
  /** the prompt and what was made since */
  readonly tokens: readonly number[];
  /** how many of them are the prompt */
  readonly promptLength: number;
  /** how many tokens the request adds at most */
  readonly maxNewTokens: number;
  /** tokens that end the row */
  readonly stopTokens: readonly number[];
}

/**
 * Changes, in place, the logits from which the next token of a row is picked; -Infinity forbids a token.
 *
 * Beam search gives it log probabilities instead. Several are applied in their order.
 *
 * Shapes: logits [V].
 */
export type LogitsProcessor = (logits: Float32Array, row: GeneratedRow) => void;

/** Forbids every token but those. */
export function forbidOthers(logits: Float32Array, allowed: Iterable<number>): void {
  const kept = Array.from(allowed, (id) => [id, logits[id]!] as const);
  logits.fill(-Infinity);
  for (const [id, logit] of kept) logits[id] = logit;
}

/** Tokens that are not forbidden, the most probable first, ties to the lowest id. */
export function descending(logits: Float32Array): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id]! > -Infinity) ids.push(id);
  return ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
}
