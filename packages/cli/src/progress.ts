import { Presets, SingleBar } from "cli-progress";
import type { Streams } from "./output.ts";

/** What a progress display shows beside how far it is. */
export interface ProgressValues {
  readonly loss: string;
  readonly validation: string;
  /** tokens per second */
  readonly rate: string;
  /** such as `1m 5s` */
  readonly left: string;
}

/** Progress of long work, on standard error. */
export interface Progress {
  update(done: number, values: ProgressValues): void;
  /** Prints a line above the display. */
  line(text: string): void;
  stop(): void;
}

/** Seconds as people say them: `45s`, `1m 5s`, `2h 7m`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

/** A bar on a terminal, a line now and then elsewhere, nothing in JSON mode. */
export function createProgress(total: number, from: number, streams: Streams, quiet: boolean): Progress {
  if (quiet || total <= from) return { update() {}, line() {}, stop() {} };
  return streams.stderr.isTTY ? bar(total, from) : lines(total, from, streams);
}

function bar(total: number, from: number): Progress {
  const single = new SingleBar(
    {
      format:
        "{bar} {percentage}% | step {value}/{total} | loss {loss} | val {validation} | {rate} tok/s | {left} left",
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
      gracefulExit: false,
      fps: 8,
    },
    Presets.shades_classic,
  );
  single.start(total, from, { loss: "-", validation: "-", rate: "-", left: "-" });
  return {
    update: (done, values) => single.update(done, values),
    line(text) {
      process.stderr.write(`\r\u001b[K${text}\n`);
      single.render();
    },
    stop: () => single.stop(),
  };
}

/** Without a terminal: about forty lines for the whole work. */
function lines(total: number, from: number, { stderr }: Streams): Progress {
  const every = Math.max(1, Math.ceil((total - from) / 40));
  return {
    update(done, { loss, validation, rate, left }) {
      if (done % every !== 0 && done !== total) return;
      stderr.write(`step ${done}/${total} | loss ${loss} | val ${validation} | ${rate} tok/s | ${left} left\n`);
    },
    line: (text) => stderr.write(`${text}\n`),
    stop() {},
  };
}
