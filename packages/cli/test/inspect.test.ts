import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as models from "@heed/models";
import { afterAll, describe, expect, test } from "vitest";
import { presets } from "../src/presets.ts";
import { jsonLines, run, temporaryFolder } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

interface Described {
  readonly parameters: number;
  readonly bytes: number;
  readonly context?: number;
  readonly vocabulary?: number;
  readonly flopsContext?: number;
  readonly flopsPerToken?: number;
}

async function described(name: string): Promise<Described> {
  const { code, stdout, stderr } = await run(cwd, ["inspect", name, "--json"]);
  expect(code, stderr).toBe(0);
  return jsonLines(stdout)[0] as unknown as Described;
}

const shown = async (name: string): Promise<string[]> => {
  const { code, stdout, stderr } = await run(cwd, ["inspect", name]);
  expect(code, stderr).toBe(0);
  return stdout.trimEnd().split("\n");
};

function folder(name: string, config: object): string {
  mkdirSync(join(cwd, name));
  writeFileSync(join(cwd, name, "config.json"), JSON.stringify(config));
  return name;
}

describe("presets", () => {
  test("of every builder have a name of their own", () => {
    const tables = Object.entries(models).filter(([name]) => name.endsWith("Presets"));
    expect(tables.length).toBeGreaterThanOrEqual(12);
    const names = tables.flatMap(([table, configs]) =>
      Object.keys(configs).map((name) => (table === "transformerPresets" ? `transformer-${name}` : name)),
    );
    expect([...presets.keys()].sort()).toEqual(names.sort());
    expect(new Set(names).size).toBe(names.length);
  });

  // Counts of the public checkpoints, or of the papers' sizes.
  test.each([
    ["gpt2", 124_439_808],
    ["gpt-neox-20b", 20_554_567_680],
    ["llama-2-7b", 6_738_415_616],
    ["mistral-7b", 7_241_732_096],
    ["bert-base", 109_482_240],
    ["albert-base", 11_683_584],
    ["t5-small", 60_506_624],
    ["vit-base-16", 85_798_656],
    ["clip-base-32", 151_277_313],
    ["transformer-base", 63_045_632],
  ])("%s has %i parameters", async (name, parameters) => {
    expect(await described(name)).toMatchObject({ parameters, bytes: 4 * parameters });
  });

  test("what all blocks of a stack have is one line", async () => {
    const lines = await shown("t5-small");
    expect(lines.filter((line) => line.includes("feedForward.expand.weight"))).toEqual([
      "  encoder.blocks.*.feedForward.expand.weight               [2048, 512]    1,048,576  x 6",
      "  decoder.blocks.*.feedForward.expand.weight               [2048, 512]    1,048,576  x 6",
    ]);
    expect(lines.at(-1)).toBe("60,506,624 parameters, 242,026,496 bytes in float32");
    // ALBERT's layers share their weights: they stand once.
    const shared = (await shown("albert-base")).filter((line) => line.includes("blocks"));
    expect(shared.length).toBeGreaterThan(8);
    expect(shared.filter((line) => line.includes(" x "))).toEqual([]);
  });

  test("lines add up to the whole", async () => {
    for (const name of ["gpt2", "qwen2-0.5b", "elmo-small", "mae-base-16"]) {
      const rows = (await shown(name)).flatMap((line) => /\] +([\d,]+)(?: {2}x (\d+))?$/.exec(line)?.slice(1) ?? []);
      let sum = 0;
      for (let i = 0; i < rows.length; i += 2) sum += Number(rows[i]!.replaceAll(",", "")) * Number(rows[i + 1] ?? 1);
      expect(sum, name).toBe((await described(name)).parameters);
    }
  });
});

describe("FLOPs", () => {
  test("are two for each weight of a product, and what attention adds", async () => {
    const norms = 25 * 2 * 768;
    const biases = 12 * (2304 + 768 + 3072 + 768);
    const weights = 124_439_808 - 1024 * 768 - norms - biases;
    const flopsPerToken = 2 * weights + 12 * 4 * 1024 * 768;
    expect(await described("gpt2")).toMatchObject({
      ...{ context: 1024, vocabulary: 50257, flopsContext: 1024, flopsPerToken },
    });
    expect(await described("bert-base")).not.toHaveProperty("flopsPerToken");
  });

  test("of long contexts are counted at 4096", async () => {
    const flopsPerToken = 2 * (1_235_814_400 - 33 * 2048) + 16 * 4 * 4096 * 2048;
    expect(await described("llama-3.2-1b")).toMatchObject({ context: 131_072, flopsContext: 4096, flopsPerToken });
    expect((await shown("llama-3.2-1b")).at(-1)).toBe(
      "3,008,364,544 FLOPs a token, forward at context 4096 of 131072 (matrix products); training takes about three times that",
    );
  });
});

test("a folder needs only its config.json, whatever family and size it is", async () => {
  const sizes = { n_embd: 12_288, n_head: 96, n_layer: 96, n_positions: 1_000_000, vocab_size: 50_257 };
  const decoder = await described(
    folder("large", { model_type: "gpt2", architectures: ["GPT2LMHeadModel"], ...sizes }),
  );
  const block = 12 * 12_288 ** 2 + 13 * 12_288;
  expect(decoder).toMatchObject({
    ...{ context: 1_000_000, flopsContext: 4096 },
    parameters: (50_257 + 1_000_000 + 2) * 12_288 + 96 * block,
  });
  const bert = await described(folder("encoder", { model_type: "bert", architectures: ["BertModel"] }));
  expect(bert.parameters).toBe(109_482_240);
});
