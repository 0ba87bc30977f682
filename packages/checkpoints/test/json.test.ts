import { describe, expect, test } from "vitest";
import { checkJson, compareCodePoints, parseJson } from "../src/json.ts";

test.each([
  "{}",
  "[]",
  " [ 1 , 2 ] \n",
  '{"a":{"b":[true,false,null]}}',
  '"\\u00e9\\n\\"\\\\\\/ é \\ud83d\\ude00"',
  "-0",
  "0",
  "1e5",
  "-1.25E-3",
  "123456789012345678901234567890",
  '{"__proto__":1,"constructor":2,"toString":{"__proto__":[]}}',
  '{"1":1,"0":2,"":3}',
  '{"a":1,"A":2}',
])("%s is what JSON.parse makes of it", (text) => {
  const found = parseJson(text);
  expect(found).toEqual(JSON.parse(text));
  expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(text)));
});

test("__proto__ is an ordinary key", () => {
  const found = parseJson('{"__proto__":{"polluted":1}}');
  expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
  expect(Object.keys(found as object)).toEqual(["__proto__"]);
  expect(() => parseJson('{"__proto__":1,"__proto__":2}')).toThrow("duplicate key");
});

test.each([
  "",
  " ",
  "{",
  "[",
  "[1",
  "[1,",
  "[1,]",
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,',
  '{"a":1,}',
  "{a:1}",
  "{'a':1}",
  "[1 2]",
  "nul",
  "True",
  "NaN",
  "Infinity",
  "+1",
  "01",
  "1.",
  ".5",
  "1e",
  "-",
  "0x10",
  '"',
  '"abc',
  '"\\',
  '"\\x"',
  '"\\u12"',
  '"\n"',
  '"\u0000"',
  "1 1",
  "{}}",
  "[]]",
  "\ufeff{}",
  "\u00a01",
  "/**/1",
  "undefined",
])("%j is refused, as by JSON.parse", (text) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  expect(() => parseJson(text)).toThrow(SyntaxError);
});

describe("what JSON.parse lets through", () => {
  const message = (text: string, options?: Parameters<typeof parseJson>[1]): string => {
    try {
      parseJson(text, options);
    } catch (error) {
      return String(error);
    }
    return "accepted";
  };
  test("duplicate keys, also spelled differently", () => {
    expect(message('{"a":1,"b":2,"a":3}')).toMatchInlineSnapshot(`"SyntaxError: duplicate key "a" at character 13"`);
    expect(message('{"a":1,"\\u0061":3}')).toMatchInlineSnapshot(`"SyntaxError: duplicate key "a" at character 7"`);
    expect(message('{"x":{"a":1},"y":{"a":1}}')).toBe("accepted");
  });
  test("deep nesting", () => {
    expect(message("[".repeat(1_000_000))).toMatchInlineSnapshot(
      `"SyntaxError: nesting deeper than 64 at character 64"`,
    );
    expect(message('{"a":'.repeat(1_000_000))).toMatchInlineSnapshot(
      `"SyntaxError: nesting deeper than 64 at character 320"`,
    );
    expect(message(`${"[".repeat(64)}${"]".repeat(64)}`)).toBe("accepted");
    expect(message("[[1]]", { maxDepth: 1 })).toMatchInlineSnapshot(
      `"SyntaxError: nesting deeper than 1 at character 1"`,
    );
  });
  test("unpaired surrogates", () => {
    expect(message('"\\ud800"')).toMatchInlineSnapshot(
      `"SyntaxError: string with an unpaired surrogate at character 0"`,
    );
    expect(message('"\\udc00\\ud800"')).toContain("unpaired");
  });
  test("numbers that are no counts, where only counts are asked for", () => {
    for (const number of ["-1", "-0", "1.0", "1e3", "9007199254740992", "1".repeat(400)]) {
      expect(message(`[${number}]`, { countsOnly: true })).toContain("expected an integer from 0 to 9007199254740991");
    }
    expect(parseJson("[0,7,9007199254740991]", { countsOnly: true })).toEqual([0, 7, 9007199254740991]);
  });
});

test("errors say what and where", () => {
  const message = (text: string): string => {
    try {
      parseJson(text);
    } catch (error) {
      return String(error);
    }
    return "accepted";
  };
  expect(message('{"a" 1}')).toMatchInlineSnapshot(`"SyntaxError: expected ":", got "1" at character 5"`);
  expect(message('{"a":1')).toMatchInlineSnapshot(`"SyntaxError: expected "}", got the end at character 6"`);
  expect(message("[1] x")).toMatchInlineSnapshot(`"SyntaxError: expected the end, got "x" at character 4"`);
  expect(message("{1:2}")).toMatchInlineSnapshot(`"SyntaxError: expected "\\"", got "1" at character 1"`);
  expect(message("[?]")).toMatchInlineSnapshot(`"SyntaxError: expected a value, got "?" at character 1"`);
  expect(message("[")).toMatchInlineSnapshot(`"SyntaxError: expected a value, got the end at character 1"`);
  expect(message('["a\tb"]')).toMatchInlineSnapshot(`"SyntaxError: control character in a string at character 3"`);
  expect(message('["ab')).toMatchInlineSnapshot(`"SyntaxError: string without end at character 4"`);
  expect(message('["\\q"]')).toMatchInlineSnapshot(`"SyntaxError: string with a wrong escape at character 1"`);
});

test("a string of 20 million characters and a million members take no recursion", () => {
  const long = "x".repeat(20_000_000);
  expect(parseJson(`["${long}"]`)).toEqual([long]);
  const members = Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join(",");
  expect(Object.keys(parseJson(`{${members}}`) as object)).toHaveLength(200_000);
});

test("code point order is that of the code points", () => {
  const strings = [
    "",
    "a",
    "ab",
    "b",
    "B",
    "é",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
    "a\u{10000}",
    "a\uffff",
    "\u{1f600}b",
    "\u{1f600}a",
  ];
  const points = (s: string): number[] => Array.from(s, (c) => c.codePointAt(0)!);
  const naive = (a: string, b: string): number => {
    const [x, y] = [points(a), points(b)];
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return Math.sign(x[i]! - y[i]!);
    return Math.sign(x.length - y.length);
  };
  for (const a of strings)
    for (const b of strings) expect(Math.sign(compareCodePoints(a, b)), `${a} ${b}`).toBe(naive(a, b));
});

test("checkJson refuses what JSON cannot give back", () => {
  const message = (value: unknown): string => {
    try {
      checkJson("save", "state", value);
    } catch (error) {
      return String(error);
    }
    return "accepted";
  };
  expect(message({ a: [1, -0, 1e300, "é", null, true, {}] })).toBe("accepted");
  expect(message({ loss: [1, NaN] })).toMatchInlineSnapshot(
    `"CheckpointError: save: state.loss[1] is NaN, expected null, booleans, finite numbers, strings, arrays and plain objects nested at most 60 deep. Convert it before saving."`,
  );
  expect(message({ a: Infinity })).toContain("state.a is Infinity");
  expect(message({ a: undefined })).toContain("state.a is of type undefined");
  expect(message({ a: 1n })).toContain("state.a is of type bigint");
  expect(message({ a: new Date(0) })).toContain("state.a is a Date");
  expect(message({ a: new Map() })).toContain("state.a is a Map");
  expect(message(new Float32Array(2))).toContain("state is a Float32Array");
  expect(message({ a: "\ud800" })).toContain("state.a is a string with an unpaired surrogate");
  expect(message({ "\ud800": 1 })).toContain("state has a key with an unpaired surrogate");
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  expect(message(cyclic)).toContain("is nested more than 60 deep");
});
