import { CheckpointError } from "./errors.ts";

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object with any keys. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Options of {@link parseJson}. */
export interface ParseJsonOptions {
  /** Deepest nesting allowed, 1 for an object without objects or arrays inside; default 64. */
  readonly maxDepth?: number;
  /** Accept only numbers written as digits without sign, fraction or exponent, up to 2^53 - 1; default false. */
  readonly countsOnly?: boolean;
}

/**
 * Parses JSON as RFC 8259 defines it, and refuses what `JSON.parse` lets through: duplicate keys, nesting beyond
 * `maxDepth` (which would overflow the stack) and strings with unpaired surrogates.
 *
 * Cost: linear in the length of `text`.
 *
 * @param options.maxDepth deepest nesting allowed; default 64
 * @param options.countsOnly accept only plain non-negative integers as numbers; default false
 * @throws SyntaxError naming the character (counted from 0) and what is wrong there
 * @see RFC 8259, The JavaScript Object Notation (JSON) Data Interchange Format. Differs: section 4 merely advises against duplicate names.
 * @example
 * parseJson('{"a": [1, 2]}'); // { a: [1, 2] }
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): Json {
  const parser = new JsonParser(text, options.maxDepth ?? 64, options.countsOnly ?? false);
  const value = parser.value(0);
  parser.end();
  return value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const COUNT = /^(?:0|[1-9][0-9]*)$/;
const UNPAIRED_SURROGATE = /\p{Surrogate}/u;
const LITERALS: readonly (readonly [string, Json])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/** Recursive descent over one text. */
class JsonParser {
  readonly text: string;
  readonly maxDepth: number;
  readonly countsOnly: boolean;
  position = 0;

  constructor(text: string, maxDepth: number, countsOnly: boolean) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.countsOnly = countsOnly;
  }

  fail(problem: string): never {
    throw new SyntaxError(`${problem} at character ${this.position}`);
  }

  skipSpace(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.position);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.position++;
    }
  }

  /** The next character that is not white space, or "" at the end. */
  peek(): string {
    this.skipSpace();
    return this.text.charAt(this.position);
  }

  expect(character: string): void {
    const found = this.peek();
    if (found !== character)
      this.fail(`expected ${JSON.stringify(character)}, got ${found === "" ? "the end" : JSON.stringify(found)}`);
    this.position++;
  }

  end(): void {
    const found = this.peek();
    if (found !== "") this.fail(`expected the end, got ${JSON.stringify(found)}`);
  }

  value(depth: number): Json {
    const first = this.peek();
    if (first === '"') return this.string();
    if (first === "{" || first === "[") {
      if (depth >= this.maxDepth) this.fail(`nesting deeper than ${this.maxDepth}`);
      return first === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    for (const [word, value] of LITERALS) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    return this.number(first);
  }

  number(first: string): number {
    NUMBER.lastIndex = this.position;
    const digits = NUMBER.exec(this.text)?.[0];
    if (digits === undefined)
      this.fail(first === "" ? "expected a value, got the end" : `expected a value, got ${JSON.stringify(first)}`);
    const value = Number(digits);
    if (this.countsOnly && !(COUNT.test(digits) && Number.isSafeInteger(value))) {
      this.fail(`expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}, got ${digits.slice(0, 40)}`);
    }
    this.position += digits.length;
    return value;
  }

  string(): string {
    const start = this.position;
    let at = start + 1;
    let plain = true;
    for (;;) {
      const c = this.text.charCodeAt(at);
      if (c === 0x22) break;
      if (!(c >= 0x20)) {
        // a control character, or NaN at the end of the text
        this.position = at;
        this.fail(at >= this.text.length ? "string without end" : "control character in a string");
      }
      if (c === 0x5c) {
        plain = false;
        at++;
      }
      at++;
    }
    const value = plain ? this.text.slice(start + 1, at) : this.unescape(this.text.slice(start, at + 1));
    if (!isWellFormed(value)) this.fail("string with an unpaired surrogate");
    this.position = at + 1;
    return value;
  }

  unescape(token: string): string {
    try {
      return String(JSON.parse(token));
    } catch {
      return this.fail("string with a wrong escape");
    }
  }

  array(depth: number): Json[] {
    const items: Json[] = [];
    this.expect("[");
    if (this.peek() === "]") {
      this.position++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth));
      if (this.peek() !== ",") break;
      this.position++;
    }
    this.expect("]");
    return items;
  }

  object(depth: number): JsonObject {
    const members: Record<string, Json> = {};
    this.expect("{");
    if (this.peek() === "}") {
      this.position++;
      return members;
    }
    for (;;) {
      if (this.peek() !== '"') this.expect('"');
      const keyStart = this.position;
      const key = this.string();
      if (Object.hasOwn(members, key)) {
        this.position = keyStart;
        this.fail(`duplicate key ${JSON.stringify(key.slice(0, 60))}`);
      }
      this.expect(":");
      setMember(members, key, this.value(depth));
      if (this.peek() !== ",") break;
      this.position++;
    }
    this.expect("}");
    return members;
  }
}

/** Sets an own property; plain assignment of the key "__proto__" would change the prototype instead. */
function setMember(members: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true });
  else members[key] = value;
}

/** Orders strings by code point, as Python and Rust do; JavaScript's own order differs beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above every other unit.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** Whether `text` is valid Unicode: every surrogate has its partner. */
export function isWellFormed(text: string): boolean {
  return !UNPAIRED_SURROGATE.test(text);
}

/** Whether `value` is a JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws unless JSON can hold `value` and give back exactly the same. `path` names it in the message. */
export function checkJson(caller: string, path: string, value: unknown, depth = 0): asserts value is Json {
  const refuse = (problem: string): never => {
    throw new CheckpointError(
      "value",
      `${caller}: ${path} ${problem}, expected null, booleans, finite numbers, strings, arrays and plain objects nested at most 60 deep. Convert it before saving.`,
    );
  };
  if (depth > 60) refuse("is nested more than 60 deep");
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") {
    if (!isWellFormed(value)) refuse("is a string with an unpaired surrogate");
    return;
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse(`is ${value}`);
    return;
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkJson(caller, `${path}[${i}]`, value[i], depth + 1);
    return;
  }
  if (typeof value !== "object") return refuse(`is of type ${typeof value}`);
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm also has a prototype whose own prototype is null.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) refuse(`is a ${value.constructor.name}`);
  for (const [key, item] of Object.entries(value)) {
    if (!isWellFormed(key)) refuse("has a key with an unpaired surrogate");
    checkJson(caller, `${path}.${key}`, item, depth + 1);
  }
}
