import { describe, expect, test } from "vitest";
import { loadTokenizer, trainWordPieceTokenizer } from "../src/index.ts";

const texts = ["Playing players play plays.", "He played; she plays the player's play.", "Stay, stays, staying!"];

describe("trainWordPieceTokenizer", () => {
  test("begins with BERT's special tokens, then characters, then pieces", async () => {
    const { model } = await trainWordPieceTokenizer(texts, { vocabSize: 60 });
    const tokens = Object.keys(model.vocab as object);
    expect(tokens.slice(0, 5)).toEqual(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    expect(tokens).toContain("play");
    expect(tokens).toContain("##ing");
    expect(tokens.filter((token) => /[A-Z]/.test(token) && !token.startsWith("["))).toEqual([]);
  });

  test("a text is wrapped in [CLS] and [SEP]; words come back in lower case", async () => {
    const tokenizer = loadTokenizer(await trainWordPieceTokenizer(texts, { vocabSize: 60 }));
    const ids = tokenizer.encode("Players stay");
    expect([ids[0], ids.at(-1)]).toEqual([2, 3]);
    expect(tokenizer.decode(ids)).toBe("[CLS] players stay [SEP]");
  });

  test("characters beyond maxAlphabet become [UNK], rarest first", async () => {
    const file = await trainWordPieceTokenizer(["aaaa bbb cc d"], { vocabSize: 30, maxAlphabet: 3 });
    const tokenizer = loadTokenizer(file);
    expect([...tokenizer.encode("d")].map((id) => tokenizer.idToToken(id))).toEqual(["[CLS]", "[UNK]", "[SEP]"]);
    expect(tokenizer.tokenToId("c")).toBeDefined();
  });

  test("upper case and accents stay where asked", async () => {
    const file = await trainWordPieceTokenizer(["\u00c9t\u00e9 \u00c9t\u00e9"], { vocabSize: 30, lowercase: false });
    const tokenizer = loadTokenizer(file);
    expect(tokenizer.decode(tokenizer.encode("\u00c9t\u00e9"))).toBe("[CLS] \u00c9t\u00e9 [SEP]");
  });

  test("no room", async () => {
    await expect(trainWordPieceTokenizer(texts, { vocabSize: 20 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: trainWordPieceTokenizer: vocabSize is too small, expected at least 35 (30 characters and 5 special tokens), got 20. Ask for a larger vocabulary]`,
    );
  });
});
