import { describe, expect, test } from "vitest";
import { byteSymbols, loadTokenizer, trainByteTokenizer } from "../src/index.ts";
import { allOfUnicode, python, randomInts, randomText, thrownBy } from "./support.ts";

const tokenizer = loadTokenizer(trainByteTokenizer());

describe("trainByteTokenizer", () => {
  test("gives the symbols that Python uses", () => {
    const { file } = python.cases.find(({ name }) => name === "bytes")!;
    expect(trainByteTokenizer().model.vocab).toEqual(file.model.vocab);
    expect(new Set(byteSymbols()).size).toBe(256);
  });
});

describe("a byte tokenizer", () => {
  test("has the bytes of UTF-8 as ids", () => {
    const random = randomInts(2);
    for (let round = 0; round < 500; round++) {
      const text = randomText(random, random(60));
      const ids = tokenizer.encode(text);
      expect([...ids]).toEqual([...Buffer.from(text, "utf8")]);
      expect(tokenizer.decode(ids)).toBe(text);
    }
    expect(tokenizer.vocabSize).toBe(256);
  });

  test("covers all of Unicode, the byte order mark included", () => {
    for (const part of allOfUnicode(40_000)) expect(tokenizer.decode(tokenizer.encode(part)) === part).toBe(true);
    expect(tokenizer.decode(tokenizer.encode("\ufeffx"))).toBe("\ufeffx");
  });

  test("decodes any bytes, with U+FFFD for what is not UTF-8", () => {
    const random = randomInts(3);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: random(40) }, () => random(256));
      expect(tokenizer.decode(bytes)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    }
  });

  test("refuses half a surrogate pair", () => {
    expect(thrownBy(() => tokenizer.encode("ab\udc00"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has a surrogate without its partner at position 2, expected Unicode text, got the character U+DC00. Leave it out"`,
    );
  });

  test("takes long text", () => {
    const text = "A line of t\u00e9xt, again and again.\n".repeat(20_000);
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });
});
