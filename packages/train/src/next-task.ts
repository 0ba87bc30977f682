/** The parts of the host that give the event loop a turn; Node has the first, every browser the second. */
interface Host {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly setTimeout: (callback: () => void, milliseconds: number) => unknown;
}

/** Resolves in a later task, so that signals, timers and rendering are served first. @internal */
export function nextTask(): Promise<void> {
  const host = globalThis as unknown as Host;
  return new Promise((resolve) => {
    if (host.setImmediate) host.setImmediate(resolve);
    else host.setTimeout(resolve, 0);
  });
}
