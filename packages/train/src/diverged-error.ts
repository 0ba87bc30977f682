/** A run whose loss or gradients are no longer finite. The parameters are those before the step that found it. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";
  /** the update that was not made, from 1 */
  readonly step: number;

  constructor(step: number, message: string) {
    super(message);
    this.step = step;
  }
}

/**
 * Whether `error` is a {@link DivergedError}, also one thrown by another installed copy of this package.
 *
 * @example
 * isDivergedError(new DivergedError(7, "train: ...")); // true
 */
export function isDivergedError(error: unknown): error is DivergedError {
  return error instanceof Error && error.name === "DivergedError" && "step" in error;
}
