import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileStore } from "@heed/checkpoints/node";
import { loadTokenizer, type TokenizerFile } from "@heed/data";
import { type BartConfig, bart, isDecoder, isEncoderDecoder, loadPretrained, savePretrained } from "@heed/models";
import { fromArray, rng, scope } from "@heed/tensor";
import { beamSearch } from "@heed/train";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, run, sentence, someText, temporaryFolder, tinyModel } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const ids = { decoder_start_token_id: 0, eos_token_id: 1, pad_token_id: 0 };
const stack = { numLayers: 1, numHeads: 2, dFF: 16 };
/** As Marian has it. */
const config: BartConfig = {
  ...{ vocabSize: 13, maxSeqLen: 12, dModel: 8, paddingId: 0, encoder: stack, decoder: stack },
  ...{ activation: "relu", positions: "sinusoidal", embeddingNorm: false, scaleEmbedding: true },
};

beforeAll(async () => {
  writeFileSync(join(cwd, "text.txt"), someText(2000));
  const { code, stderr } = await run(cwd, ["train", "text.txt", ...tinyModel, "--steps", "3", "--out", "good"]);
  if (code !== 0) throw new Error(stderr);
  const model = scope(() => bart(config, rng(4)));
  const out = join(cwd, "translator");
  await savePretrained(nodeFileStore(), out, { modelType: "marian", config, model }, { config: ids });
  cpSync(join(cwd, "good/tokenizer.json"), join(out, "tokenizer.json"));
});

interface Generated {
  readonly prompt: string;
  readonly text: string;
  readonly tokens: number[];
}

async function generated(folder: string, ...args: string[]): Promise<Generated> {
  const { code, stdout, stderr } = await run(cwd, ["generate", folder, "--json", ...args]);
  expect(code, stderr).toBe(0);
  return jsonLines(stdout).at(-1) as unknown as Generated;
}

const tokenizerOf = (folder: string) =>
  loadTokenizer(JSON.parse(readFileSync(join(cwd, folder, "tokenizer.json"), "utf8")) as TokenizerFile);

test("a beam search gives what beamSearch gives", async () => {
  const { model } = await loadPretrained(nodeFileStore(), join(cwd, "good"));
  if (!isDecoder(model)) throw new TypeError("expected a decoder");
  const prompts = [tokenizerOf("good").encode("cat")];
  const [found] = await beamSearch({ model, prompts, maxNewTokens: 4, numBeams: 3, lengthPenalty: 2 });
  const flags = ["--prompt", "cat", "--tokens", "4", "--beams", "3", "--length-penalty", "2"];
  const { tokens, text } = await generated("good", ...flags);
  expect(tokens).toEqual(found![0]!.tokens);
  expect(text).toBe(tokenizerOf("good").decode(tokens));
  // Context 8: three tokens of prompt, five that are read, one more that is picked.
  expect((await generated("good", "--prompt", "cat", "--beams", "2")).tokens).toHaveLength(6);
});

test("a stop string ends the text, filters narrow the draws, a penalty avoids what came before", async () => {
  const free = await generated("good", "--prompt", "cat", "--tokens", "40", "--temperature", "2");
  const stop = free.text.slice(5, 7);
  const stopped = await generated("good", ..."--prompt cat --tokens 40 --temperature 2 --stop".split(" "), stop);
  expect(stopped.text).toBe(free.text.slice(0, free.text.indexOf(stop) + 2));
  const greedy = await generated("good", ..."--prompt cat --tokens 20 --temperature 0".split(" "));
  const narrow = await generated("good", ..."--prompt cat --tokens 20 --temperature 3 --min-p 1".split(" "));
  expect(narrow.tokens).toEqual(greedy.tokens);
  const varied = await generated(
    "good",
    ..."--prompt cat --tokens 9 --temperature 0 --repetition-penalty 100".split(" "),
  );
  expect(new Set(varied.tokens).size).toBeGreaterThan(new Set(greedy.tokens.slice(0, 9)).size);
});

test("the prompt of an encoder-decoder is its source, with an end token; the target is greedy unless asked otherwise", async () => {
  // Token 1, the end token here, is the letter a, which this source lacks.
  const { prompt, tokens, text } = await generated("translator", "--prompt", "the dog", "--tokens", "6");
  const tokenizer = tokenizerOf("translator");
  expect(prompt).toBe(tokenizer.decode([...tokenizer.encode("the dog"), 1]));
  const { model } = await loadPretrained(nodeFileStore(), join(cwd, "translator"));
  if (!isEncoderDecoder(model)) throw new TypeError("expected an encoder-decoder");
  const source = Int32Array.of(...tokenizer.encode("the dog"), 1);
  const decoding = scope(() => model.decoding({ source: fromArray(source, [1, source.length]) }));
  const options = { model: decoding, prompts: [Int32Array.of(0)], maxNewTokens: 6, stopTokens: [1] };
  const [greedy] = await beamSearch({ ...options, numBeams: 1 });
  expect(tokens).toEqual(greedy![0]!.tokens);
  expect(text).toBe(tokenizer.decode(tokens.filter((id) => id !== 1)));
  const [wide] = await beamSearch({ ...options, numBeams: 4 });
  const searched = await generated("translator", "--prompt", "the dog", "--tokens", "6", "--beams", "4");
  expect(searched.tokens).toEqual(wide![0]!.tokens);
  decoding.dispose();
});

test("options of generation_config.json hold unless flags say otherwise", async () => {
  const rules = { no_repeat_ngram_size: 1, min_length: 7, forced_bos_token_id: 3, forced_eos_token_id: 1 };
  const folder = join(cwd, "constrained");
  cpSync(join(cwd, "translator"), folder, { recursive: true });
  const write = (config: object) => writeFileSync(join(folder, "generation_config.json"), JSON.stringify(config));
  write({ ...ids, ...rules, suppress_tokens: [2] });
  const tokenizer = tokenizerOf("constrained");
  for (const beams of ["1", "3"]) {
    const ask = ["--prompt", "the dog", "--tokens", "7", "--beams", beams];
    const { tokens, text } = await generated("constrained", ...ask);
    expect(tokens).toHaveLength(7);
    expect([tokens[0], tokens.indexOf(1), tokens.includes(2)]).toEqual([3, 6, false]);
    expect(new Set([0, ...tokens]).size).toBe(8);
    // The token that is forced before it and the one that ends it are no text.
    expect(text).toBe(tokenizer.decode(tokens.slice(1, -1)));
    const free = await generated("constrained", ...ask, "--no-repeat-ngram", "0");
    expect(new Set([0, ...free.tokens]).size).toBeLessThan(free.tokens.length + 1);
    const longer = await generated("constrained", ...ask, "--tokens", "9", "--min-new-tokens", "8");
    expect(longer.tokens.indexOf(1)).toBe(8);
  }
  write({ ...ids, ...rules, suppress_tokens: [2, 99] });
  expect(sentence(cwd, await run(cwd, ["generate", "constrained", "--prompt", "the dog"]))).toMatchInlineSnapshot(
    `"[3] heed: generate: suppress_tokens of TMP/constrained is [2,99], expected a list of token ids in 0..12. Correct the file"`,
  );
});

test("the space before the first word of a target is not shown, those between words are", async () => {
  const folder = join(cwd, "spaced");
  cpSync(join(cwd, "translator"), folder, { recursive: true });
  // Token 0 is the space: it comes at every second place.
  const biases = [
    [[0], 50],
    [[0, 0], -100],
  ];
  writeFileSync(join(folder, "generation_config.json"), JSON.stringify({ ...ids, sequence_bias: biases }));
  const { tokens, text } = await generated("spaced", "--prompt", "the dog", "--tokens", "6");
  expect([tokens[0], tokens[2]]).toEqual([0, 0]);
  expect(text).toBe(tokenizerOf("spaced").decode(tokens.slice(1).filter((id) => id !== 1)));
  expect(text).toContain(" ");
});

test("a flag forbids repetition without a word of the folder", async () => {
  const ask = ["--prompt", "cat", "--tokens", "12", "--temperature", "0"];
  const isVaried = (tokens: number[]) => {
    const pairs = tokens.slice(1).map((id, i) => `${tokens[i]},${id}`);
    return new Set(pairs).size === pairs.length;
  };
  const start = [...tokenizerOf("good").encode("cat")];
  expect(isVaried([...start, ...(await generated("good", ...ask)).tokens])).toBe(false);
  expect(isVaried([...start, ...(await generated("good", ...ask, "--no-repeat-ngram", "2")).tokens])).toBe(true);
});

test("requests that do not fit are named", async () => {
  const said = async (...args: string[]) => sentence(cwd, await run(cwd, ["generate", ...args]));
  expect(await said("translator")).toMatchInlineSnapshot(
    `"[2] heed: generate: --prompt is missing, expected the source text: TMP/translator holds an encoder-decoder"`,
  );
  expect(await said("translator", "--prompt", "the cat sat on")).toMatchInlineSnapshot(
    `"[2] heed: generate: --prompt has 14 tokens, expected at most 12 (the model's context). Shorten it"`,
  );
  expect(await said("good", "--beams", "2", "--top-k", "3")).toMatchInlineSnapshot(
    `"[2] heed: option '--beams <n>' cannot be used with option '--top-k <n>'. See generate --help"`,
  );
  expect(await said("good", "--stop", "")).toMatchInlineSnapshot(
    `"[2] heed: option '--stop <text>' argument '' is invalid. Expected a text that is not empty. See generate --help"`,
  );
  expect(await said("good", "--no-repeat-ngram", "-1")).toMatchInlineSnapshot(
    `"[2] heed: option '--no-repeat-ngram <n>' argument '-1' is invalid. Expected a whole number in 0..1000000. See generate --help"`,
  );
  expect(await said("good", "--min-new-tokens", "many")).toMatchInlineSnapshot(
    `"[2] heed: option '--min-new-tokens <n>' argument 'many' is invalid. Expected a whole number in 0..1000000. See generate --help"`,
  );
  expect(await said("good", "--min-p", "2")).toMatchInlineSnapshot(
    `"[2] heed: option '--min-p <p>' argument '2' is invalid. Expected a number in 0..1. See generate --help"`,
  );
});
