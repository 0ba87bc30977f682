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
  expect(await said("good", "--min-p", "2")).toMatchInlineSnapshot(
    `"[2] heed: option '--min-p <p>' argument '2' is invalid. Expected a number in 0..1. See generate --help"`,
  );
});
