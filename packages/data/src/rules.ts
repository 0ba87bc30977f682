import { show, TokenizerError } from "./errors.ts";

/** A JSON object whose fields are not checked yet. */
export type Fields = { readonly [field: string]: unknown };

/** What a field of a file must be. Returns what was expected where the value is wrong, with the path to it. */
export type Rule = (value: unknown, path: string) => Complaint | undefined;

/** Where a rule is broken. */
export interface Complaint {
  readonly path: string;
  readonly expected: string;
  readonly value: unknown;
}

/** Whether `value` is a JSON object: not null, not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field's own value; inherited names such as "constructor" are no fields. */
export function fieldOf(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** A rule from a test and the words for it. */
export function rule(expected: string, passes: (value: unknown) => boolean): Rule {
  return (value, path) => (passes(value) ? undefined : { path, expected, value });
}

/** The rule, or nothing: null and a missing field pass. */
export function optional(inner: Rule): Rule {
  return (value, path) => (value === undefined || value === null ? undefined : inner(value, path));
}

export const text = rule("a string", (value) => typeof value === "string");
export const flag = rule("true or false", (value) => typeof value === "boolean");
export const finite = rule("a number", (value) => typeof value === "number");

/** A whole number in least..2^31 - 1. */
export function wholeNumber(least: number): Rule {
  return rule(
    `a whole number >= ${least}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 31,
  );
}

/** One of the given strings. */
export function oneOf(...values: readonly string[]): Rule {
  return rule(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.includes(value as string));
}

/** A list whose items all follow `item`. */
export function listOf(item: Rule): Rule {
  return (value, path) => {
    if (!Array.isArray(value)) return { path, expected: "a list", value };
    for (let i = 0; i < value.length; i++) {
      const complaint = item(value[i], `${path}[${i}]`);
      if (complaint) return complaint;
    }
    return undefined;
  };
}

/** A list of fixed length, one rule an item. */
export function tuple(...items: readonly Rule[]): Rule {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== items.length)
      return { path, expected: `a list of ${items.length}`, value };
    for (let i = 0; i < items.length; i++) {
      const complaint = items[i]!(value[i], `${path}[${i}]`);
      if (complaint) return complaint;
    }
    return undefined;
  };
}

/** An object whose named fields follow their rules; other fields are left alone. */
export function fields(rules: { readonly [field: string]: Rule }): Rule {
  return (value, path) => {
    if (!isFields(value)) return { path, expected: "an object", value };
    for (const [name, inner] of Object.entries(rules)) {
      const complaint = inner(fieldOf(value, name), `${path}.${name}`);
      if (complaint) return complaint;
    }
    return undefined;
  };
}

/** Throws the complaint of a broken rule. */
export function expectRule(caller: string, inner: Rule, value: unknown, path: string): void {
  const complaint = inner(value, path);
  if (!complaint) return;
  const { path: where, expected, value: got } = complaint;
  throw new TokenizerError(
    "structure",
    `${caller}: ${where} is wrong, expected ${expected}, got ${show(got)}. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run`,
  );
}
