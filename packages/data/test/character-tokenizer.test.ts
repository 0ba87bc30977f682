import { describe, expect, test } from "vitest";
import { loadTokenizer, trainCharacterTokenizer } from "../src/index.ts";
import { allOfUnicode, python, randomInts, randomText, thrownBy } from "./support.ts";

describe("trainCharacterTokenizer", () => {
  test("numbers the distinct code points in their order", () => {
    const { model } = trainCharacterTokenizer("banana\n\u{1f600} \uffff");
    expect(Object.entries(model.vocab as object).sort(([, a], [, b]) => a - b)).toEqual([
      ["\n", 0],
      [" ", 1],
      ["a", 2],
      ["b", 3],
      ["n", 4],
      ["\uffff", 5],
      ["\u{1f600}", 6],
    ]);
  });

  test("gives the vocabulary that Python orders", () => {
    const { file, results } = python.cases.find(({ name }) => name === "characters")!;
    const text = Object.keys(file.model.vocab).reverse().join("") + results.map((result) => result.text).join("");
    expect(JSON.parse(JSON.stringify(trainCharacterTokenizer(text)))).toEqual(file);
  });

  test("reads a text in parts as it reads it whole", () => {
    const parts = ["to be, ", "", "or not", "\u{1f600}"];
    expect(trainCharacterTokenizer(parts)).toEqual(trainCharacterTokenizer(parts.join("")));
    expect(trainCharacterTokenizer(new Set(parts))).toEqual(trainCharacterTokenizer(parts.join("")));
  });

  test("refuses text it cannot learn from", () => {
    expect(thrownBy(() => trainCharacterTokenizer(""))).toMatchInlineSnapshot(
      `"TokenizerError: trainCharacterTokenizer: text is empty, expected at least one character, got none. Give the text to train on"`,
    );
    expect(thrownBy(() => trainCharacterTokenizer([]))).toMatchInlineSnapshot(
      `"TokenizerError: trainCharacterTokenizer: text is empty, expected at least one character, got none. Give the text to train on"`,
    );
    expect(thrownBy(() => trainCharacterTokenizer("ab\ud83dc"))).toMatchInlineSnapshot(
      `"TokenizerError: trainCharacterTokenizer: text has a surrogate without its partner at position 2, expected Unicode text, got the character U+D83D. Decode the file again as UTF-8"`,
    );
    expect(thrownBy(() => trainCharacterTokenizer(["ab", "\ude00"]))).toMatchInlineSnapshot(
      `"TokenizerError: trainCharacterTokenizer: text has a surrogate without its partner at position 0, expected Unicode text, got the character U+DE00. Decode the file again as UTF-8"`,
    );
  });
});

describe("a character tokenizer", () => {
  test("has one token a character, and gives back every text made of them", () => {
    const random = randomInts(1);
    for (let round = 0; round < 300; round++) {
      const text = randomText(random, 1 + random(60));
      const characters = [...text];
      const tokenizer = loadTokenizer(trainCharacterTokenizer(text));
      const ids = tokenizer.encode(text);
      expect(tokenizer.vocabSize).toBe(new Set(characters).size);
      expect([...ids].map((id) => tokenizer.idToToken(id))).toEqual(characters);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test("covers all of Unicode, a part at a time", () => {
    let characters = 0;
    for (const part of allOfUnicode(8192)) {
      const tokenizer = loadTokenizer(trainCharacterTokenizer(part));
      const ids = tokenizer.encode(part); // in order, so the ids count up
      expect(ids.every((id, i) => id === i) && ids.length === tokenizer.vocabSize).toBe(true);
      expect(tokenizer.decode(ids) === part).toBe(true);
      characters += ids.length;
    }
    expect(characters).toBeGreaterThan(0x10000 - 0x800 + 0x100000 / 8);
  });

  test("says which character it has never seen, and where", () => {
    const tokenizer = loadTokenizer(trainCharacterTokenizer("the quick fox \u{1f600}"));
    expect(thrownBy(() => tokenizer.encode("the fix"))).toBe("nothing was thrown");
    expect(thrownBy(() => tokenizer.encode("the \u{1f600} f\u00e9"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has the character "é" (U+00E9) at position 8, expected only the 13 characters this tokenizer was trained on. Leave it out, or train on text that contains it"`,
    );
    expect(thrownBy(() => tokenizer.encode("the\nfox"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has the character U+000A at position 3, expected only the 13 characters this tokenizer was trained on. Leave it out, or train on text that contains it"`,
    );
    expect(thrownBy(() => tokenizer.encode("\u0301"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has the character U+0301 at position 0, expected only the 13 characters this tokenizer was trained on. Leave it out, or train on text that contains it"`,
    );
    expect(thrownBy(() => tokenizer.encode("the \ud83d"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has a surrogate without its partner at position 4, expected Unicode text, got the character U+D83D. Leave it out"`,
    );
  });

  test("takes long text", () => {
    const text = "A line of text, again and again.\n".repeat(40_000);
    const tokenizer = loadTokenizer(trainCharacterTokenizer(text));
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });
});
