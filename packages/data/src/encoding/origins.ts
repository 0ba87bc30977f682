import { byteSymbols } from "../byte-tokenizer.ts";

// In every browser and Node, but not in the ES2022 library this package is compiled against.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** A text as the model sees it, and for each of its code units the part of the original it came from, [start, end). */
export interface Origins {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** A character with the marks that combine with it: normalizers look no further. */
const cluster = /\P{M}\p{M}*|\p{M}+/gu;

/** Normalizes cluster by cluster, so that every character of the result knows where it came from. */
export function normalizedOrigins(text: string, normalize: (text: string) => string): Origins {
  const [starts, ends]: [number[], number[]] = [[], []];
  let result = "";
  for (const { 0: part, index } of text.matchAll(cluster)) {
    const normal = normalize(part);
    result += normal;
    for (let i = 0; i < normal.length; i++) {
      starts.push(index);
      ends.push(index + part.length);
    }
  }
  return { text: result, starts, ends };
}

/** The symbols of the text's bytes: each byte of a character comes from the whole character. */
export function byteOrigins(text: string, addPrefixSpace: boolean): Origins {
  const symbols = byteSymbols();
  const encoder = new TextEncoder();
  const [starts, ends]: [number[], number[]] = [[], []];
  let result = "";
  if (addPrefixSpace && !text.startsWith(" ")) {
    result = symbols[0x20]!;
    starts.push(0);
    ends.push(0);
  }
  let at = 0;
  for (const character of text) {
    for (const byte of encoder.encode(character)) {
      result += symbols[byte]!;
      starts.push(at);
      ends.push(at + character.length);
    }
    at += character.length;
  }
  return { text: result, starts, ends };
}

/** Reads pieces of words off a text from left to right. */
export class OriginReader {
  private readonly origins: Origins;
  private at = 0;

  constructor(origins: Origins) {
    this.origins = origins;
  }

  /**
   * The part of the original that `piece` came from. What stands between pieces is white space that the words left out;
   * a mark for a space takes none of it. Undefined if the piece is not there.
   */
  read(piece: string, spaceMark: string): [start: number, end: number] | undefined {
    const { text, starts, ends } = this.origins;
    let start: number | undefined;
    let end = 0;
    for (const unit of piece) {
      if (unit === spaceMark) continue;
      const found = text.indexOf(unit, this.at);
      if (found < 0 || text.slice(this.at, found).trim() !== "") return undefined;
      this.at = found + unit.length;
      start ??= starts[found]!;
      end = ends[this.at - 1]!;
    }
    if (start !== undefined) return [start, end];
    // Only a mark: it stands for the character that it comes before.
    const next = text.slice(this.at).search(/\S/) + this.at;
    return next < this.at ? [ends.at(-1) ?? 0, ends.at(-1) ?? 0] : [starts[next]!, ends[next]!];
  }
}
