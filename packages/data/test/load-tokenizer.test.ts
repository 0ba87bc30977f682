import { Tokenizer as Library } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import { isTokenizerError, loadTokenizer, trainByteTokenizer, trainCharacterTokenizer } from "../src/index.ts";
import { python, randomInts, randomText, thrownBy } from "./support.ts";

describe(`files of Python's tokenizers ${python.provenance.tokenizers}`, () => {
  for (const { name, file, results } of python.cases) {
    test(name, () => {
      const tokenizer = loadTokenizer(JSON.stringify(file));
      for (const { text, ids, decoded } of results) {
        expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(ids);
        expect(tokenizer.decode(ids)).toBe(decoded);
      }
    });
  }
});

describe("the direct way to the ids", () => {
  test.each(["characters", "bytes"])("gives what the library gives: %s", (kind) => {
    const random = randomInts(4);
    for (let round = 0; round < 200; round++) {
      const text = `${randomText(random, 1 + random(50))} it's  12\n\t \u00a0x `;
      const file = kind === "bytes" ? trainByteTokenizer() : trainCharacterTokenizer(text);
      const { ids } = new Library(file, {}).encode(text) as { ids: number[] };
      expect([...loadTokenizer(file).encode(text)]).toEqual(ids);
    }
  });

  test("follows ids in any order", () => {
    const file = structuredClone(trainByteTokenizer()) as { model: { vocab: Record<string, number> } };
    for (const [symbol, id] of Object.entries(file.model.vocab)) file.model.vocab[symbol] = 255 - id;
    expect([...loadTokenizer(file).encode("A\u00e9")]).toEqual([255 - 65, 255 - 195, 255 - 169]);
  });
});

describe("loadTokenizer", () => {
  const characters = trainCharacterTokenizer("abc");

  test("takes text, or parsed content, and gives it back", () => {
    for (const json of [characters, JSON.stringify(characters)]) {
      const tokenizer = loadTokenizer(json);
      expect(tokenizer.toJSON()).toEqual(characters);
      expect(tokenizer.vocabSize).toBe(3);
      expect(tokenizer.tokenToId("b")).toBe(1);
      expect(tokenizer.tokenToId("x")).toBeUndefined();
      expect(tokenizer.idToToken(2)).toBe("c");
      expect(tokenizer.idToToken(3)).toBeUndefined();
    }
  });

  test("keeps a copy: changing the given object later changes nothing", () => {
    const given = structuredClone(characters) as { model: { vocab: Record<string, number> } };
    const tokenizer = loadTokenizer(given);
    given.model.vocab["z"] = 9;
    expect(tokenizer.toJSON()).toEqual(characters);
  });

  test("knows the models of old files without a type", () => {
    const { type: _, ...model } = characters.model;
    expect([...loadTokenizer({ ...characters, model }).encode("cab")]).toEqual([2, 0, 1]);
    const bpe = python.cases.find(({ name }) => name === "byte-level BPE")!;
    const { type: __, ...untyped } = bpe.file.model as unknown as { type: string };
    expect([...loadTokenizer({ ...bpe.file, model: untyped }).encode(bpe.results[0]!.text)]).toEqual(
      bpe.results[0]!.ids,
    );
  });

  test("reads and writes the empty text", () => {
    expect(loadTokenizer(characters).encode("")).toEqual(new Int32Array());
    expect(loadTokenizer(characters).decode([])).toBe("");
  });

  test("refuses ids that are none", () => {
    const tokenizer = loadTokenizer(characters);
    expect(thrownBy(() => tokenizer.decode([0, 3]))).toMatchInlineSnapshot(
      `"RangeError: decode: ids[1] is out of range, expected a whole number in 0..2, got 3. Decode with the tokenizer that made the ids"`,
    );
    expect(thrownBy(() => tokenizer.decode([-1]))).toMatch(
      /^RangeError: decode: ids\[0\] is out of range, expected a whole number in 0\.\.2, got -1/,
    );
    expect(thrownBy(() => tokenizer.decode([0.5]))).toMatch(/got 0\.5/);
    expect(thrownBy(() => tokenizer.decode([Number.NaN]))).toMatch(/got NaN/);
  });

  test("refuses text that is none", () => {
    expect(thrownBy(() => loadTokenizer(characters).encode(5 as unknown as string))).toMatchInlineSnapshot(
      `"TypeError: encode: text is of type number, expected a string"`,
    );
  });

  test("does not leave out what BPE does not know", () => {
    const file = {
      ...characters,
      pre_tokenizer: null,
      model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] },
    };
    expect([...loadTokenizer(file).encode("abba")]).toEqual([2, 1, 0]);
    expect(thrownBy(() => loadTokenizer(file).encode("abxa"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has a part without a token (after 1 tokens), expected text made of the 3 tokens of this tokenizer. Leave it out, or use a tokenizer that knows it"`,
    );
  });
});

describe("faults of a file, each with a message of its own", () => {
  type Change = { readonly [field: string]: unknown };
  const base = trainCharacterTokenizer("abc");
  const withModel = (change: Change) => ({ ...base, model: { ...base.model, ...change } });
  const bpe = (change: Change) => ({
    ...base,
    model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"], ...change },
  });
  const split = (change: Change) => ({ ...base, pre_tokenizer: { ...base.pre_tokenizer, ...change } });
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;

  const faults: Readonly<Record<string, unknown>> = {
    "not JSON": '{"model": ',
    "nesting bomb": '{"model":'.repeat(100_000),
    "nesting bomb as a value": Array.from({ length: 200_000 }).reduce((inner) => [inner], 0),
    cyclic,
    "no value": undefined,
    "a list": [],
    null: "null",
    "no model": { ...base, model: undefined },
    "unknown model": withModel({ type: "constructor" }),
    "vocabulary is a list": withModel({ vocab: ["a"] }),
    "empty vocabulary": withModel({ vocab: {} }),
    hole: withModel({ vocab: { a: 0, b: 2 } }),
    "huge id": withModel({ vocab: { a: 0, b: 1e300 } }),
    "repeated id": withModel({ vocab: { a: 0, b: 0 } }),
    "negative id": withModel({ vocab: { a: -1 } }),
    "id is text": withModel({ vocab: { a: "0" } }),
    fraction: withModel({ vocab: { a: 0.5 } }),
    "no unknown token": withModel({ unk_token: undefined }),
    "added token with two ids": { ...base, added_tokens: [{ id: 3, content: "a" }] },
    "added token in another's place": { ...base, added_tokens: [{ id: 0, content: "<end>" }] },
    "added token twice": {
      ...base,
      added_tokens: [
        { id: 3, content: "<x>" },
        { id: 4, content: "<x>" },
      ],
    },
    "empty added token": { ...base, added_tokens: [{ id: 3, content: "" }] },
    "added tokens are no list": { ...base, added_tokens: {} },
    "merge of three": bpe({ merges: ["a b c"] }),
    "merge into nothing": bpe({ merges: ["b a"] }),
    "merge of the unknown": bpe({ merges: [["a", "z"]] }),
    "prefix the library ignores": bpe({ continuing_subword_prefix: "##" }),
    "unknown token outside": { ...base, model: { type: "Unigram", vocab: [["a", -1]], unk_id: 1 } },
    "Unigram with byte fallback": {
      ...base,
      model: { type: "Unigram", vocab: [["a", -1]], unk_id: 0, byte_fallback: true },
    },
    "score is text": { ...base, model: { type: "Unigram", vocab: [["a", "x"]], unk_id: 0 } },
    "unknown pre-tokenizer": { ...base, pre_tokenizer: { type: "UnicodeScripts" } },
    "splitting the library does differently": split({ behavior: "MergedWithNext" }),
    "inverted isolation": split({ invert: true }),
    "wrong regular expression": split({ pattern: { Regex: "(" } }),
    "two patterns": split({ pattern: { Regex: "a", String: "a" } }),
    "pieces of no length": {
      ...base,
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "FixedLength", length: 0 }] },
    },
    "decoder is a list": { ...base, decoder: [] },
    "unknown decoder": { ...base, decoder: { type: "toString" } },
    "template of nothing": { ...base, post_processor: { type: "TemplateProcessing", single: [{}] } },
  };

  test("as a table", () => {
    const table = Object.entries(faults).map(([name, file]) => {
      try {
        loadTokenizer(file);
      } catch (error) {
        if (!isTokenizerError(error)) throw error;
        return `${name}: [${error.code}] ${error.message}`;
      }
      return `${name}: ACCEPTED`;
    });
    expect(table.join("\n")).toMatchInlineSnapshot(`
      "not JSON: [json] loadTokenizer: file is not valid JSON (Unexpected end of JSON input), expected the content of a tokenizer.json. Download or write it again
      nesting bomb: [json] loadTokenizer: file is nested too deeply at character 576, expected at most 64 levels. It is not a tokenizer.json
      nesting bomb as a value: [json] loadTokenizer: file is no value that JSON can hold (Maximum call stack size exceeded), expected the content of a tokenizer.json. Download or write it again
      cyclic: [json] loadTokenizer: file is no value that JSON can hold (Converting circular structure to JSON), expected the content of a tokenizer.json. Download or write it again
      no value: [json] loadTokenizer: file is of type undefined, expected the content of a tokenizer.json. Download or write it again
      a list: [structure] loadTokenizer: file is a list, expected an object, the content of a tokenizer.json. Check the path
      null: [structure] loadTokenizer: file is null, expected an object, the content of a tokenizer.json. Check the path
      no model: [structure] loadTokenizer: file.model is wrong, expected an object, got nothing. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      unknown model: [structure] loadTokenizer: file.model.type is wrong, expected one of WordLevel, BPE, WordPiece, Unigram, got "constructor". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      vocabulary is a list: [structure] loadTokenizer: file.model.vocab is wrong, expected an object of ids by token, got ["a"]. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      empty vocabulary: [vocabulary] loadTokenizer: model.vocab has no token, expected at least one, got none. Check the file, or write it again
      hole: [vocabulary] loadTokenizer: the highest id is 2, expected 1 (from 2 tokens), so that the ids have no holes. Check the file, or write it again
      huge id: [vocabulary] loadTokenizer: the highest id is 1e+300, expected 1 (from 2 tokens), so that the ids have no holes. Check the file, or write it again
      repeated id: [vocabulary] loadTokenizer: tokens "a" and "b" share the id 0, expected one token an id. Check the file, or write it again
      negative id: [vocabulary] loadTokenizer: model.vocab: token "a" has a wrong id, expected a whole number >= 0, got -1. Check the file, or write it again
      id is text: [vocabulary] loadTokenizer: model.vocab: token "a" has a wrong id, expected a whole number >= 0, got "0". Check the file, or write it again
      fraction: [vocabulary] loadTokenizer: model.vocab: token "a" has a wrong id, expected a whole number >= 0, got 0.5. Check the file, or write it again
      no unknown token: [structure] loadTokenizer: file.model.unk_token is wrong, expected a string, got nothing. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      added token with two ids: [vocabulary] loadTokenizer: added_tokens: token "a" has the id 3, expected one id a token, got 0 before. Check the file, or write it again
      added token in another's place: [vocabulary] loadTokenizer: tokens "a" and "<end>" share the id 0, expected one token an id. Check the file, or write it again
      added token twice: [vocabulary] loadTokenizer: added_tokens: token "<x>" has the id 4, expected one id a token, got 3 before. Check the file, or write it again
      empty added token: [structure] loadTokenizer: file.added_tokens[0].content is wrong, expected a string that is not empty, got "". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      added tokens are no list: [structure] loadTokenizer: file.added_tokens is wrong, expected a list, got {}. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      merge of three: [structure] loadTokenizer: file.model.merges[0] is wrong, expected two tokens with one space between, got "a b c". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      merge into nothing: [vocabulary] loadTokenizer: model.merges[0] needs the token "ba", expected one of model.vocab, got "b a". Check the file, or write it again
      merge of the unknown: [vocabulary] loadTokenizer: model.merges[0] needs the token "z", expected one of model.vocab, got ["a","z"]. Check the file, or write it again
      prefix the library ignores: [structure] loadTokenizer: file.model.continuing_subword_prefix is wrong, expected null or "", got "##". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      unknown token outside: [vocabulary] loadTokenizer: model.unk_id is out of range, expected an id below 1 (from model.vocab), got 1. Check the file, or write it again
      Unigram with byte fallback: [structure] loadTokenizer: file.model.byte_fallback is wrong, expected false or nothing, got true. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      score is text: [structure] loadTokenizer: file.model.vocab[0][1] is wrong, expected a number, got "x". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      unknown pre-tokenizer: [structure] loadTokenizer: file.pre_tokenizer.type is wrong, expected one of BertPreTokenizer, ByteLevel, Digits, FixedLength, Metaspace, Punctuation, Replace, Sequence, Split, Whitespace, WhitespaceSplit, got "UnicodeScripts". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      splitting the library does differently: [structure] loadTokenizer: file.pre_tokenizer.behavior is wrong, expected "Isolated" or "Removed", got "MergedWithNext". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      inverted isolation: [structure] loadTokenizer: file.pre_tokenizer.invert is wrong, expected false where behavior is "Isolated", got true. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      wrong regular expression: [unsupported] loadTokenizer: file cannot be run (Invalid regular expression: /(/gu: Unterminated group), expected a file that @huggingface/tokenizers 0.2 can run. Use another tokenizer.json
      two patterns: [structure] loadTokenizer: file.pre_tokenizer.pattern is wrong, expected an object with a string "String" or "Regex", got {"Regex":"a","String":"a"}. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      pieces of no length: [structure] loadTokenizer: file.pre_tokenizer.pretokenizers[0].length is wrong, expected a whole number >= 1, got 0. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      decoder is a list: [structure] loadTokenizer: file.decoder is wrong, expected an object, got []. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      unknown decoder: [structure] loadTokenizer: file.decoder.type is wrong, expected one of ByteLevel, WordPiece, Metaspace, BPEDecoder, CTC, Sequence, Replace, Fuse, Strip, ByteFallback, got "toString". Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run
      template of nothing: [structure] loadTokenizer: file.post_processor.single[0].Sequence is wrong, expected an object, got nothing. Check that the file is a tokenizer.json that @huggingface/tokenizers 0.2 can run"
    `);
  });

  test("a template that names a token there is none of fails at the first text", () => {
    const file = {
      ...base,
      post_processor: {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      },
    };
    expect(thrownBy(() => loadTokenizer(file).encode("abc"))).toMatchInlineSnapshot(
      `"TokenizerError: encode: text has a part without a token (after 0 tokens), expected text made of the 3 tokens of this tokenizer. Leave it out, or use a tokenizer that knows it"`,
    );
  });
});
