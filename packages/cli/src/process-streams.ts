import type { Streams } from "./output.ts";

/**
 * The streams of this process. When their reader has gone, writing is silently given up and `closed` is aborted, so that
 * `heed ... | head` ends in order.
 */
export function processStreams(): Streams {
  const controller = new AbortController();
  process.stdout.on("error", () => controller.abort());
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
  return {
    stdout: {
      write(text: string): void {
        if (!controller.signal.aborted) process.stdout.write(text);
      },
    },
    stderr: process.stderr,
    closed: controller.signal,
  };
}
