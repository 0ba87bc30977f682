import type { JsonObject } from "./tokenizer-file.ts";

/** Windows of a text, row after row. Shapes: inputs and targets [B, T] in one array of B * T ids. */
export interface Batch {
  readonly inputs: Int32Array;
  /** targets[i] is the token that follows inputs[i] in the text */
  readonly targets: Int32Array;
  /** windows */
  readonly B: number;
  /** tokens of a window */
  readonly T: number;
}

/** A source of batches whose place can be saved and taken up again exactly. */
export interface BatchCursor {
  next(): Batch;
  /** The place, small and ready for JSON. */
  state(): JsonObject;
  /**
   * Continues where another cursor over the same text, with the same options, was.
   *
   * @throws RangeError if the state is malformed or of another text length or other options; the cursor is then unchanged
   */
  restore(state: unknown): void;
}

/** What every cursor reads. */
export interface WindowOptions {
  /** ids of the text; kept, not copied: do not change them */
  readonly tokens: Int32Array;
  /** tokens a window has as inputs, T */
  readonly contextLength: number;
  /** windows of a batch, B */
  readonly batchSize: number;
}

/** Throws unless the numbers are in range and at least one whole window, with one more token to predict, fits. */
export function checkWindows(caller: string, { tokens, contextLength, batchSize }: WindowOptions, least: number): void {
  for (const [name, value] of Object.entries({ contextLength, batchSize })) {
    if (!Number.isSafeInteger(value) || value < 1 || value >= 2 ** 31) {
      throw new RangeError(
        `${caller}: ${name} is out of range, expected a whole number in 1..${2 ** 31 - 1}, got ${value}`,
      );
    }
  }
  if (tokens.length < least) {
    throw new RangeError(
      `${caller}: tokens has length ${tokens.length}, expected at least ${least}${least > 2 ? ` (from contextLength ${contextLength})` : ""}. Give more text${least > 2 ? " or a shorter context" : ""}`,
    );
  }
}

/** Copies windows that start at the given places into one batch. */
export function gatherWindows(tokens: Int32Array, starts: readonly number[], T: number): Batch {
  const inputs = new Int32Array(starts.length * T);
  const targets = new Int32Array(starts.length * T);
  for (const [row, start] of starts.entries()) {
    inputs.set(tokens.subarray(start, start + T), row * T);
    targets.set(tokens.subarray(start + 1, start + T + 1), row * T);
  }
  return { inputs, targets, B: starts.length, T };
}

/** The step a saved state stands at. Throws unless all else in it equals `expected`. */
export function readCursorState(expected: JsonObject, state: unknown, highest: number): number {
  const found = typeof state === "object" && state !== null ? (state as { readonly [field: string]: unknown }) : {};
  for (const [name, value] of Object.entries(expected)) {
    if (found[name] === value) continue;
    throw new RangeError(
      `restore: state.${name} is ${String(found[name])}, expected ${String(value)} (from this cursor). Continue with the same text and options`,
    );
  }
  const step = found["step"];
  if (typeof step !== "number" || !Number.isSafeInteger(step) || step < 0 || step > highest) {
    throw new RangeError(
      `restore: state.step is out of range, expected a whole number in 0..${highest}, got ${String(step)}. The saved state is damaged`,
    );
  }
  return step;
}
