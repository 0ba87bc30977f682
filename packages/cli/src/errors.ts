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

/** What was computed is not what it should be. */
export const checkFailed = (message: string): CliError => new CliError(exitCodes.checkFailed, message);

const codesByName: Readonly<Record<string, number>> = {
  CheckpointError: exitCodes.badInput,
  TokenizerError: exitCodes.badInput,
  OutOfMemoryError: exitCodes.wrongUse,
  RangeError: exitCodes.wrongUse,
  ShapeError: exitCodes.wrongUse,
};

/** Our messages begin with the function that refuses; those of the JavaScript engine do not. */
const isOurs = (error: Error): boolean => /^\w+: /.test(error.message);

/**
 * The exit code of an error that is the user's to mend: files that cannot be read or saved are bad input, options that
 * a package refuses are wrong use. Undefined for anything else.
 */
export function exitCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof CliError) return error.exitCode;
  return isOurs(error) ? codesByName[error.name] : undefined;
}

/** Whether a package refused a value: its shape or range is wrong. */
export const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && isOurs(error) && (error.name === "RangeError" || error.name === "ShapeError");
