/** Ctrl-C and its like ask for an orderly end; a second one ends the process at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** One Ctrl-C may arrive twice, from the terminal and from npm. */
const sameWithin = 500;

/**
 * Listens until `release`.
 *
 * @param closed also asks for an orderly end
 * @param onFirst called at the first signal, to tell the user
 * @param end what a second signal does; default: it ends this process, as it would have without us
 */
export function listenForInterrupt(
  closed: AbortSignal | undefined,
  onFirst: () => void,
  end: (name: NodeJS.Signals) => void = (name) => process.kill(process.pid, name),
): Interrupt {
  const controller = new AbortController();
  let first: number | undefined;
  function release(): void {
    for (const name of signals) process.off(name, onSignal);
  }
  function onSignal(name: NodeJS.Signals): void {
    if (first === undefined) {
      first = performance.now();
      controller.abort();
      onFirst();
    } else if (performance.now() - first > sameWithin) {
      release();
      end(name);
    }
  }
  for (const name of signals) process.on(name, onSignal);
  return { signal: closed ? AbortSignal.any([controller.signal, closed]) : controller.signal, release };
}
