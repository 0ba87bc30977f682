/** Where a command writes: text for people, or one JSON object a line for programs. Progress and errors go to standard error. */
export interface Output {
  readonly json: boolean;
  /** A line for people; nothing in JSON mode. */
  line(text?: string): void;
  /** Text for people without a line break; nothing in JSON mode. */
  text(text: string): void;
  /** An object for programs; nothing in text mode. */
  event(object: Readonly<Record<string, unknown>>): void;
  /** A remark beside the result, on standard error; in JSON mode an object on standard output. */
  notice(text: string): void;
}

/** The streams a command line needs; tests hand in their own. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** aborted when nobody reads standard output any more, as after `| head` */
  readonly closed?: AbortSignal;
}

/** JSON has no NaN and no infinities: they become null. */
export function toJsonLine(object: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(object)}\n`;
}

/** Output to `stdout` and `stderr`, in one of the two forms. */
export function createOutput(json: boolean, { stdout, stderr }: Streams): Output {
  return {
    json,
    line(text = "") {
      if (!json) stdout.write(`${text}\n`);
    },
    text(text) {
      if (!json) stdout.write(text);
    },
    event(object) {
      if (json) stdout.write(toJsonLine(object));
    },
    notice(text) {
      if (json) stdout.write(toJsonLine({ event: "notice", text }));
      else stderr.write(`${text}\n`);
    },
  };
}
