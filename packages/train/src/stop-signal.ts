/** The part of an `AbortSignal` that this package reads; those of Node and of browsers are. */
export interface StopSignal {
  readonly aborted: boolean;
  /** what `abort` was called with, by default an `AbortError` */
  readonly reason?: unknown;
}
