import { checkTokenIds } from "./token-ids.ts";

/** @throws RangeError if there is no sequence, an empty one, or one with something that is no token id */
export function checkSequences(caller: string, sequences: readonly (readonly number[])[]): void {
  if (sequences.length === 0)
    throw new RangeError(`${caller}: sequences is empty, expected at least one. Give a sequence of tokens`);
  sequences.forEach((sequence, i) => checkTokenIds(caller, `sequences[${i}]`, sequence));
}

/**
 * Whether the last token of a sequence would complete it after these tokens.
 *
 * As in Hugging Face transformers, there must be at least as many tokens as the sequence has, although one less could do.
 */
export function isBegun(sequence: readonly number[], tokens: readonly number[]): boolean {
  const before = sequence.length - 1;
  if (before === 0) return true;
  const from = tokens.length - before;
  return from > 0 && sequence.every((id, i) => i === before || tokens[from + i] === id);
}
