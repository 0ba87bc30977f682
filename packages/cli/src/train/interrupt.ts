/** Ctrl-C and SIGTERM ask for an orderly end; a second one ends the process at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

const signals = ["SIGINT", "SIGTERM"] as const;

export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  const release = (): void => signals.forEach((name) => process.off(name, onSignal));
  function onSignal(): void {
    release();
    controller.abort();
  }
  signals.forEach((name) => process.on(name, onSignal));
  return { signal: controller.signal, release };
}
