/**
 * The control block at the start of memory: 32-bit words, those that threads contend for on cache lines of their own.
 *
 * A job: the caller writes kernel, args and chunks, sets next to 0 and open to 1, then raises epoch. Whoever works
 * claims chunk numbers from `next`. A worker raises `active` BEFORE it looks at `open`; the caller sets open to 0
 * BEFORE it looks at `active`, and returns when `active` is 0. So a worker that wakes late either finds the gate
 * closed or is waited for; it never touches a job that has returned.
 */
export const word = {
  kernel: 0,
  args: 1,
  chunks: 2,
  open: 3,
  /** workers whose kernel trapped */
  failed: 4,
  /** workers that are ready to claim chunks */
  ready: 5,
  next: 16,
  active: 32,
  epoch: 48,
  /** workers asleep on `epoch` */
  sleeping: 49,
  /** 1 while the caller is asleep on `active` */
  callerSleeps: 50,
} as const;

/** Where short argument lists are written, in bytes; up to the end of the control page. */
export const ARGUMENTS = 1024;
export const ARGUMENT_WORDS = 8192;

/** How long a worker looks for the next job before it sleeps, in milliseconds: longer than the gap between kernels. */
export const SPIN_MS = 0.06;
