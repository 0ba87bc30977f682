import { describe, expect, test } from "vitest";
import { byteSymbols, loadTokenizer, trainBytePairTokenizer } from "../src/index.ts";

/** Byte pair encoding from its definition: counts all pairs anew before each merge. */
function naiveMerges(words: Map<string, number>, numMerges: number, order: readonly string[]): [string, string][] {
  let split = [...words].map(([word, count]) => ({ symbols: [...word], count }));
  const tokens = [...order];
  const merges: [string, string][] = [];
  while (merges.length < numMerges) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const { symbols, count } of split) {
      symbols.slice(1).forEach((right, i) => {
        const pair: [string, string] = [symbols[i]!, right];
        const found = counts.get(pair.join(" "));
        counts.set(pair.join(" "), { pair, count: (found?.count ?? 0) + count });
      });
    }
    const rank = ([left, right]: [string, string]): number => tokens.indexOf(left) * 1e6 + tokens.indexOf(right);
    const best = [...counts.values()].sort((a, b) => b.count - a.count || rank(a.pair) - rank(b.pair))[0];
    if (!best || best.count < 2) break;
    const [left, right] = best.pair;
    merges.push(best.pair);
    if (!tokens.includes(left + right)) tokens.push(left + right);
    split = split.map(({ symbols, count }) => {
      const joined: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] === left && symbols[i + 1] === right) joined.push(left + symbols[++i]!);
        else joined.push(symbols[i]!);
      }
      return { symbols: joined, count };
    });
  }
  return merges;
}

describe("trainBytePairTokenizer", () => {
  const text =
    "the cat that sat on the mat ate the rat; banana bandana aaaa aaa the end of that cat, catnip and banana bread on a mat";

  test("learns the merges of the definition", async () => {
    const words = new Map<string, number>();
    for (const word of text.match(/ ?[a-z]+|[;,]/g)!) {
      const spelled = word.replace(" ", "\u0120");
      words.set(spelled, (words.get(spelled) ?? 0) + 1);
    }
    const { model } = await trainBytePairTokenizer([text], { vocabSize: 400 });
    const merges = model["merges"] as [string, string][];
    expect(merges.length).toBeGreaterThanOrEqual(18);
    expect(merges).toEqual(naiveMerges(words, 400 - 256, byteSymbols().sort()));
  });

  test("does not depend on the order or the kind of the stream", async () => {
    const texts = ["low lower lowest", "new newer newest", "wide wider widest lowly"];
    const options = { vocabSize: 280 };
    async function* stream(): AsyncGenerator<string> {
      yield* [...texts].reverse();
    }
    expect(await trainBytePairTokenizer(stream(), options)).toEqual(await trainBytePairTokenizer(texts, options));
  });

  test("special tokens come first and are found in a text", async () => {
    const file = await trainBytePairTokenizer([text], { vocabSize: 300, specialTokens: ["<|endoftext|>"] });
    const tokenizer = loadTokenizer(file);
    expect(tokenizer.vocabSize).toBeLessThanOrEqual(300);
    expect(tokenizer.encode("<|endoftext|>the")[0]).toBe(0);
    expect(tokenizer.decode(tokenizer.encode("a<|endoftext|>b"))).toBe("a<|endoftext|>b");
  });

  test("any text comes back: all code points but surrogates, in random order", async () => {
    const tokenizer = loadTokenizer(await trainBytePairTokenizer([text], { vocabSize: 300 }));
    let state = 7;
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 300; round++) {
      const points = Array.from({ length: 1 + draw(40) }, () => {
        const limit = [0x80, 0x300, 0x3000, 0xd800, 0x10ffff][draw(5)]!;
        const point = draw(limit + 1);
        return point >= 0xd800 && point <= 0xdfff ? 0x20 : point;
      });
      const sample = String.fromCodePoint(...points);
      expect(tokenizer.decode(tokenizer.encode(sample))).toBe(sample);
    }
  });

  test("says how far it is", async () => {
    const seen: string[] = [];
    await trainBytePairTokenizer([text], {
      vocabSize: 258,
      onProgress: ({ stage, done }) => seen.push(`${stage} ${done}`),
    });
    expect(seen).toEqual([`read ${text.length}`, "learn 257", "learn 258"]);
  });

  test("bad input", async () => {
    const errors = [
      trainBytePairTokenizer([text], { vocabSize: 100 }),
      trainBytePairTokenizer([text], { vocabSize: 300.5 }),
      trainBytePairTokenizer([text], { vocabSize: 300, minFrequency: 0 }),
      trainBytePairTokenizer([text], { vocabSize: 300, specialTokens: ["a", "a"] }),
      trainBytePairTokenizer([], { vocabSize: 300 }),
      trainBytePairTokenizer("text", { vocabSize: 300 }),
      trainBytePairTokenizer(["a\ud800"], { vocabSize: 300 }),
      trainBytePairTokenizer([7 as unknown as string], { vocabSize: 300 }),
    ];
    const messages = await Promise.all(errors.map((error) => error.then(String, ({ message }: Error) => message)));
    expect(messages).toMatchInlineSnapshot(`
      [
        "trainBytePairTokenizer: vocabSize is too small, expected at least 256 (256 bytes and 0 special tokens), got 100. Ask for a larger vocabulary",
        "trainBytePairTokenizer: vocabSize is out of range, expected a whole number >= 1, got 300.5",
        "trainBytePairTokenizer: minFrequency is out of range, expected a whole number >= 1, got 0",
        "trainBytePairTokenizer: specialTokens[1] is wrong or named twice, expected distinct strings, got "a"",
        "trainBytePairTokenizer: texts hold no word, expected at least one, got 0 texts of 0 characters. Give the text to train on",
        "trainBytePairTokenizer: texts is a string, expected a list or stream of texts. Write [text]",
        "trainBytePairTokenizer: texts[0] has a surrogate without its partner at position 1, expected Unicode text, got the character U+D800. Decode the file again as UTF-8",
        "trainBytePairTokenizer: texts[0] is of type number, expected a string",
      ]
    `);
  });
});
