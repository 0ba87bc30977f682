import type { GeneratedRow } from "./processors/logits-processor.ts";

/** Whether a row has ended, asked after each of its tokens. */
export type StopFn = (row: GeneratedRow) => boolean;

/**
 * Ends a row when one of some strings occurs in the text that was made. The text keeps it, and what its last token adds.
 *
 * @param strings not empty
 * @param decode the text of tokens, as a tokenizer's `decode` gives it
 * @throws RangeError if there is no string, or an empty one: every text has it
 * @example
 * const stopWhen = stopStrings(["###"], (tokens) => String.fromCharCode(...tokens));
 */
export function stopStrings(strings: readonly string[], decode: (tokens: number[]) => string): StopFn {
  if (strings.length === 0 || strings.includes(""))
    throw new RangeError(
      `stopStrings: strings has ${strings.length === 0 ? "none" : "an empty one"}, expected at least one, none of them empty, got ${JSON.stringify(strings)}`,
    );
  return ({ tokens, promptLength }) => {
    const text = decode(tokens.slice(promptLength));
    return strings.some((string) => text.includes(string));
  };
}
