import { readFileSync } from "node:fs";
import { rng } from "@heed/tensor";

/** Whole numbers in [0, n) from a seed. */
export function randomInts(seed: number): (n: number) => number {
  const random = rng(seed);
  return (n) => random.nextInteger(n);
}

export interface PythonCase {
  readonly name: string;
  readonly file: {
    readonly [field: string]: unknown;
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  readonly results: readonly { readonly text: string; readonly ids: readonly number[]; readonly decoded: string }[];
}

/** Files and results of the Python library, written by fixtures/make-python-tokenizers.py. */
export const python = JSON.parse(readFileSync(new URL("fixtures/python-tokenizers.json", import.meta.url), "utf8")) as {
  readonly provenance: { readonly script: string; readonly tokenizers: string };
  readonly cases: readonly PythonCase[];
};

/** What anything that is thrown says, with its type. */
export function thrownBy(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  return "nothing was thrown";
}

/** A random text: any code points but surrogates, with every length of UTF-8 and the usual characters well represented. */
export function randomText(random: (n: number) => number, length: number): string {
  const ranges = [
    [0x20, 0x7f],
    [0, 0x20],
    [0x80, 0x800],
    [0x800, 0xd800],
    [0xe000, 0x10000],
    [0x10000, 0x110000],
    [0x300, 0x370],
    [0x1f300, 0x1f700],
    [0xfe00, 0xff00],
  ] as const;
  let text = "";
  for (let i = 0; i < length; i++) {
    const [low, high] = ranges[random(ranges.length)]!;
    text += String.fromCodePoint(low + random(high - low));
  }
  return text;
}

/**
 * The code points of Unicode but the surrogates, in order, cut into parts: all of the basic plane, and every `stride`-th
 * of the others, which differ in nothing but their number.
 */
export function* allOfUnicode(partLength: number, stride = 7): Generator<string> {
  let part = "";
  for (let code = 0; code < 0x110000; code += code < 0x10000 ? 1 : stride) {
    if (code < 0xd800 || code > 0xdfff) part += String.fromCodePoint(code);
    if (part.length >= partLength) {
      yield part;
      part = "";
    }
  }
  if (part !== "") yield part;
}
