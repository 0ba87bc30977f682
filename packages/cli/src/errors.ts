/** What the process ends with; documented in the README. */
export const exitCodes = { done: 0, checkFailed: 1, wrongUse: 2, badInput: 3, interrupted: 130 } as const;

/** An end that the user should read as one sentence, with the exit code that says what kind it is. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command line asks for something that cannot be. */
export const wrongUse = (message: string): CliError => new CliError(exitCodes.wrongUse, message);

/** A file is not what it should be. */
export const badInput = (message: string): CliError => new CliError(exitCodes.badInput, message);

const namesOf = (error: Error): string[] => {
  const names = [error.name];
  for (let type = Object.getPrototypeOf(error); type && type !== Error.prototype; type = Object.getPrototypeOf(type)) names.push(type.constructor.name);
  return names;
};

/**
 * The exit code of any error: files that cannot be read or saved are bad input; options that a package refuses are
 * wrong use; anything else is ours to mend and keeps its stack.
 */
export function exitCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof CliError) return error.exitCode;
  const names = namesOf(error);
  if (names.some((name) => name === "CheckpointError" || name === "TokenizerError")) return exitCodes.badInput;
  if (names.some((name) => name === "RangeError" || name === "ShapeError")) return exitCodes.wrongUse;
  return undefined;
}
