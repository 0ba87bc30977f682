/** The command line of the benchmark. */
import { parseArgs } from "node:util";
import type { Library } from "./task.ts";

/** What was asked for. */
export interface Arguments {
  readonly cases: readonly string[];
  readonly threads: readonly number[];
  readonly peers: readonly Library[];
  readonly rounds: number | undefined;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly text: string;
  /** In a page of headless Chromium instead of processes of Node. */
  readonly browser: boolean;
  /** Revision to compare this tree with, instead of peers. */
  readonly against: string | undefined;
  /** Nothing was chosen but where to run: the run that the docs show. */
  readonly whole: boolean;
}

/** Every peer, in the order they are shown; the first is this repository with 256-bit vectors. */
export const PEERS: readonly Library[] = ["heed-wide", "jax", "tfjs-tuned", "tfjs", "ort"];

/** Case that runs alone, minutes long, and only when named. */
export const WHOLE_RUN = "nanogpt-cpu";

const DEFAULT_TEXT = "../shared/data/text/tinyshakespeare.txt";

/** A whole number from 1 to `most`, or an error that names the option. */
export function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(
      `bench: ${option} is not usable, expected a whole number from 1 to ${most}, got "${text}". Give one such number.`,
    );
  }
  return value;
}

/** One of the allowed names, or an error that lists them. */
export function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === text);
  if (found === undefined)
    throw new RangeError(
      `bench: ${option} is unknown, expected one of ${allowed.join(", ")}, got "${text}". Choose one of these.`,
    );
  return found;
}

/**
 * Reads the arguments after `npm run bench --`.
 *
 * @param caseNames names that may be given as positional arguments
 * @throws RangeError or TypeError for an unknown case, option or value
 */
export function readArguments(args: readonly string[], caseNames: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      threads: { type: "string", default: "1,2" },
      peers: { type: "string", default: PEERS.join(",") },
      rounds: { type: "string" },
      json: { type: "string" },
      markdown: { type: "string" },
      text: { type: "string", default: DEFAULT_TEXT },
      browser: { type: "boolean", default: false },
      against: { type: "string" },
    },
  });
  const known = [...caseNames, WHOLE_RUN];
  const chosen = positionals.map((name) => oneOf("case", name, known));
  if (values.browser && values.against !== undefined)
    throw new RangeError(
      `bench: --against is not offered with --browser, expected one of the two, got both. Compare revisions on Node.`,
    );
  const list = (text: string): string[] => text.split(",").filter((part) => part !== "");
  return {
    cases: chosen.length > 0 ? chosen : caseNames,
    threads: list(values.threads).map((text) => wholeNumber("--threads", text, 2)),
    peers: values.peers === "none" ? [] : list(values.peers).map((text) => oneOf("--peers", text, PEERS)),
    rounds: values.rounds === undefined ? undefined : wholeNumber("--rounds", values.rounds, 1000),
    json: values.json,
    markdown: values.markdown,
    text: values.text,
    browser: values.browser,
    against: values.against,
    whole: args.every((word) => word === "--browser"),
  };
}
