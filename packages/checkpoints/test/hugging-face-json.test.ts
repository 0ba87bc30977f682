import { describe, expect, test } from "vitest";
import { formatHuggingFaceJson, readJsonFile, writeHuggingFaceJson } from "../src/hugging-face-json.ts";
import { memoryFileStore } from "../src/memory-file-store.ts";
import { encodeUtf8 } from "../src/text.ts";
import { caught, intercept } from "./support.ts";

// Expected texts printed by Python 3: json.dumps(value, indent=2, sort_keys=True).
test("layout, order and escapes are Python's", () => {
  const value = { é: 'ü\u007f\u2028😀"\\\n\t\u0001/', a: [], b: {}, c: [1, [2, { z: null }], true], B: false };
  expect(formatHuggingFaceJson(value)).toBe(
    '{\n  "B": false,\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    [\n      2,\n      {\n        "z": null\n      }\n    ],\n    true\n  ],\n' +
      '  "\\u00e9": "\\u00fc\\u007f\\u2028\\ud83d\\ude00\\"\\\\\\n\\t\\u0001/"\n}\n',
  );
});

test("keys are sorted by code point", () => {
  const keys = [
    ...formatHuggingFaceJson({ "\uffff": 0, "\u{10000}": 0, b: 0, B: 0, 10: 0, 9: 0 }).matchAll(/"(.*)":/g),
  ].map((match) => match[1]);
  expect(keys).toEqual(["10", "9", "B", "b", "\\uffff", "\\ud800\\udc00"]);
});

test.each([
  [1e-5, "1e-05"],
  [0.0001, "0.0001"],
  [0.00012345, "0.00012345"],
  [1e-7, "1e-07"],
  [1.5e-10, "1.5e-10"],
  [0.1, "0.1"],
  [0.02, "0.02"],
  [123456789012345.6, "123456789012345.6"],
  [5e-324, "5e-324"],
  [-1e-6, "-1e-06"],
  [-0, "-0.0"],
  [3.14, "3.14"],
  [1 / 3, "0.3333333333333333"],
  [1e15 + 0.5, "1000000000000000.5"],
  [2.5e-5, "2.5e-05"],
  [0, "0"],
  [-7, "-7"],
  [50257, "50257"],
  [1e16, "10000000000000000"],
  [2 ** 70, "1180591620717411303424"],
])("%d is written as %s", (value, text) => {
  expect(formatHuggingFaceJson(value)).toBe(`${text}\n`);
  expect(Object.is(JSON.parse(text), value)).toBe(true);
});

test.each([
  [0, "0.0"],
  [1, "1.0"],
  [-3, "-3.0"],
  [1e15, "1000000000000000.0"],
  [1e16, "1e+16"],
  [123456789, "123456789.0"],
  [1e20, "1e+20"],
  [1e22, "1e+22"],
  [1.5e16, "1.5e+16"],
  [1e100, "1e+100"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
  [-0, "-0.0"],
  [0.5, "0.5"],
  [1e-5, "1e-05"],
])("%d under a float key is written as %s", (value, text) => {
  expect(formatHuggingFaceJson({ dropout: value }, { floatKeys: ["dropout"] })).toBe(`{\n  "dropout": ${text}\n}\n`);
});

describe("files", () => {
  const store = (text: string | Uint8Array): ReturnType<typeof memoryFileStore> =>
    memoryFileStore(new Map([["m/config.json", typeof text === "string" ? encodeUtf8(text) : text]]));
  const read = (text: string | Uint8Array): ReturnType<typeof caught> =>
    caught(() => readJsonFile(store(text), "m/config.json"));

  test("what was written is read", async () => {
    const empty = memoryFileStore();
    const config = { model_type: "gpt2", n_layer: 2, layer_norm_epsilon: 1e-5, task_specific_params: { a: [null] } };
    await writeHuggingFaceJson(empty, "m/config.json", config);
    expect(await readJsonFile(empty, "m/config.json")).toEqual(config);
    expect(await empty.list("m")).toEqual(["config.json"]);
  });
  test("absent", async () =>
    expect(await caught(() => readJsonFile(memoryFileStore(), "m/config.json"))).toMatchInlineSnapshot(`
    {
      "code": "missing",
      "message": "readJsonFile: m/config.json is missing, expected a file. Check the path.",
    }
  `));
  test("empty", async () =>
    expect(await read("")).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json is not valid JSON: expected a value, got the end at character 0. Correct the file or save it again.",
    }
  `));
  test("not JSON", async () =>
    expect(await read('{"a": 1,}')).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json is not valid JSON: expected "\\"", got "}" at character 8. Correct the file or save it again.",
    }
  `));
  test("not an object", async () =>
    expect(await read("[1]")).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json holds something else, expected an object, got [1]. Correct the file or save it again.",
    }
  `));
  test("not UTF-8", async () =>
    expect(await read(Uint8Array.of(0x7b, 0xff))).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json is not valid UTF-8. Correct the file or save it again.",
    }
  `));
  test("duplicate keys", async () =>
    expect(await read('{"n_layer":1,"n_layer":2}')).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json is not valid JSON: duplicate key "n_layer" at character 13. Correct the file or save it again.",
    }
  `));
  test("a nesting bomb", async () =>
    expect(await read('{"a":'.repeat(100_000))).toMatchInlineSnapshot(`
    {
      "code": "json",
      "message": "readJsonFile: m/config.json is not valid JSON: nesting deeper than 64 at character 320. Correct the file or save it again.",
    }
  `));
  test("too large", async () => {
    const large = { ...store("{}"), size: async () => 2e9 };
    expect(await caught(() => readJsonFile(large, "m/config.json"))).toMatchInlineSnapshot(`
      {
        "code": "json",
        "message": "readJsonFile: m/config.json is too large, expected at most 100000000 bytes, got 2000000000. Correct the file or save it again.",
      }
    `);
  });
  test("a disk that fails", async () => {
    const failing = intercept(store("{}"), (operation) => {
      if (operation === "read") throw new Error("EACCES: permission denied");
    });
    expect(await caught(() => readJsonFile(failing, "m/config.json"))).toMatchInlineSnapshot(`
      {
        "code": "storage",
        "message": "readJsonFile: m/config.json could not be read: EACCES: permission denied. Check the path, its permissions and the disk.",
      }
    `);
  });
  test("a value JSON has no word for", async () =>
    expect(await caught(() => writeHuggingFaceJson(memoryFileStore(), "c.json", { lr: NaN }))).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "formatHuggingFaceJson: value.lr is NaN, expected null, booleans, finite numbers, strings, arrays and plain objects nested at most 60 deep. Convert it before saving.",
    }
  `));
});
