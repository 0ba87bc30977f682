import { existsSync, readdirSync, readFileSync } from "node:fs";
import { goldenRoot } from "@heed/test-tools";
import { describe, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import { formatHuggingFaceJson, readJsonFile } from "../src/hugging-face-json.ts";
import { nodeFileStore } from "../src/node.ts";
import { readSafetensors } from "../src/safetensors.ts";
import { planShards, shardIndex } from "../src/shards.ts";
import { openWeights, readWeights } from "../src/weights.ts";
import { writeSafetensors } from "../src/write-safetensors.ts";

const GOLDEN = goldenRoot();
const present = existsSync(GOLDEN);
if (!present) console.log(`golden.test.ts: skipped, because there is no folder ${GOLDEN}`);

const folders = present
  ? readdirSync(GOLDEN, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  : [];
const filesIn = (suffix: string): string[] =>
  folders.flatMap((folder) =>
    readdirSync(`${GOLDEN}/${folder}`)
      .filter((name) => name.endsWith(suffix))
      .map((name) => `${folder}/${name}`),
  );
const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(`${GOLDEN}/${path}`));
const textOf = (path: string): string => readFileSync(`${GOLDEN}/${path}`, "utf8");

/** The bit patterns of 16-bit elements, or the values of 4-byte ones, straight from the bytes. */
function plainValues(file: Uint8Array, name: string): number[] {
  const view = new DataView(file.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const {
    dtype,
    data_offsets: [begin, end],
  } = JSON.parse(new TextDecoder().decode(file.subarray(8, start)))[name];
  const values: number[] = [];
  for (let at = start + begin; at < start + end; at += dtype === "F32" ? 4 : 2) {
    const bits = dtype === "F32" ? view.getUint32(at, true) : view.getUint16(at, true);
    if (dtype === "BF16") values.push(new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!);
    else if (dtype === "F32") values.push(view.getFloat32(at, true));
    else {
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      values.push(sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction));
    }
  }
  return values;
}

describe.skipIf(!present)("files of the reference implementations", () => {
  test("there are some", () => {
    expect(folders.length).toBeGreaterThan(50);
    expect(filesIn("model.safetensors").length).toBeGreaterThan(30);
  });

  // Checkpoints were written by the reference implementation. The fixtures' own files (golden.safetensors) were not: where
  // they hold two types of four bytes, they order them by name alone, while the reference puts F32 before I32.
  test("every safetensors file is read and written back byte for byte, up to the order of I32 and F32 in fixtures", () => {
    const kinds = { same: 0, reordered: 0 };
    for (const path of filesIn(".safetensors")) {
      const bytes = bytesOf(path);
      const { arrays, metadata } = readSafetensors(bytes, { file: path });
      const again = writeSafetensors(arrays, { metadata });
      const types = new Set([...arrays.values()].map(({ dtype }) => dtype));
      if (path.endsWith("/golden.safetensors") && types.has("I32") && types.has("F32")) {
        expect(readSafetensors(again), path).toEqual({ arrays, metadata });
        kinds.reordered++;
      } else {
        expect(Buffer.compare(again, bytes), path).toBe(0);
        kinds.same++;
      }
    }
    expect(kinds.same).toBeGreaterThan(60);
    expect(kinds.reordered).toBeGreaterThan(0);
  });

  test.each(["gpt2-lm", "gpt2-lm-f16", "gpt2-lm-bf16", "gpt2-lm-sharded", "llama-sharded-bf16"])(
    "%s: every weight equals a plain reading of its file",
    async (folder) => {
      const weights = await openWeights(nodeFileStore(), `${GOLDEN}/${folder}`);
      try {
        let count = 0;
        for (const file of weights.files) {
          const bytes = bytesOf(`${folder}/${file}`);
          for (const name of readSafetensors(bytes).arrays.keys()) {
            const array = await weights.read(name);
            expect(Array.from(array.values as Float32Array), `${file} ${name}`).toEqual(plainValues(bytes, name));
            count++;
          }
        }
        expect(count).toBe(weights.entries.size);
        expect(count).toBeGreaterThan(20);
      } finally {
        await weights.close();
      }
    },
  );

  test("the f16 and bf16 checkpoints say so", async () => {
    const dtypes = async (folder: string): Promise<string[]> => [
      ...new Set([...(await readWeights(nodeFileStore(), `${GOLDEN}/${folder}`)).values()].map(({ dtype }) => dtype)),
    ];
    expect(await dtypes("gpt2-lm-f16")).toEqual(["F16"]);
    expect(await dtypes("gpt2-lm-bf16")).toEqual(["BF16"]);
    expect(await dtypes("llama-sharded-bf16")).toEqual(["BF16"]);
    expect(await dtypes("gpt2-lm-sharded")).toEqual(["F32"]);
    expect((await dtypes("bert-legacy-names")).sort()).toEqual(["F32", "I64"]);
  });

  test("the shards and the index of gpt2-lm-sharded come out the same from the weights in PyTorch's order", async () => {
    const folder = `${GOLDEN}/gpt2-lm-sharded`;
    const weights = await readWeights(nodeFileStore(), folder);
    // The order of GPT2LMHeadModel.state_dict(): embeddings, then each block as its constructor makes the parts.
    const parts = ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"];
    const block = (i: number): string[] => parts.flatMap((part) => [`h.${i}.${part}.weight`, `h.${i}.${part}.bias`]);
    const order = ["wte.weight", "wpe.weight", ...block(0), ...block(1), "ln_f.weight", "ln_f.bias"].map(
      (name) => `transformer.${name}`,
    );
    expect([...order].sort()).toEqual([...weights.keys()].sort());
    const ordered = new Map(order.map((name) => [name, weights.get(name) as NamedArray]));
    const shards = planShards(ordered, 70_000);
    expect(formatHuggingFaceJson(shardIndex(shards))).toBe(textOf("gpt2-lm-sharded/model.safetensors.index.json"));
    for (const [name, arrays] of shards)
      expect(Buffer.compare(writeSafetensors(arrays), bytesOf(`gpt2-lm-sharded/${name}`)), name).toBe(0);
  });

  test("every index, config and generation config is read and written back byte for byte", async () => {
    const paths = [...filesIn(".index.json"), ...filesIn("/config.json"), ...filesIn("config.json")].filter(
      (path) => !path.endsWith("golden.json"),
    );
    expect(paths.length).toBeGreaterThan(40);
    for (const path of paths) {
      const text = textOf(path);
      // JavaScript reads 0.0 as 0: the keys that hold such floats are known to each model, here taken from the text.
      const floatKeys = [...text.matchAll(/"([^"]+)": -?\d+\.0,?$/gm)].map((match) => match[1]!);
      expect(formatHuggingFaceJson(await readJsonFile(nodeFileStore(), `${GOLDEN}/${path}`), { floatKeys }), path).toBe(
        text,
      );
    }
  });
});
