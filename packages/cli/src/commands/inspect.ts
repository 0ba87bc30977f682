import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { countFlops, type ParameterRow, parameterTable } from "@heed/inspect";
import { configFromHuggingFace, type Gpt2Config, gpt2, gpt2Presets } from "@heed/models";
import { createMetaBackend, withBackend, zeros } from "@heed/tensor";
import { Command } from "commander";
import type { Context } from "../context.ts";
import { badInput, isRefusal, wrongUse } from "../errors.ts";
import { expectModelFolder } from "../open-model.ts";
import { suggest } from "../suggest.ts";

const presets: Readonly<Record<string, Gpt2Config>> = gpt2Presets;
const presetNames = Object.keys(presets);

/** `inspect`: what a model is made of. */
export function inspectCommand(context: Context): Command {
  return new Command("inspect")
    .description("Layers, shapes, parameters, bytes and FLOPs of a model, without loading its weights.")
    .argument("<folder-or-preset>", `Hugging Face folder, or one of ${presetNames.join(", ")}`)
    .action((name: string) => run(context, name));
}

async function configOf(name: string, cwd: string): Promise<Gpt2Config> {
  if (Object.hasOwn(presets, name)) return presets[name]!;
  const folder = resolve(cwd, name);
  if (!(await stat(folder).catch(() => undefined))) {
    throw wrongUse(
      `inspect: ${name} is neither a folder nor a preset, expected a Hugging Face folder or one of ${presetNames.join(", ")}.${suggest(name, presetNames)}`,
    );
  }
  await expectModelFolder("inspect", folder);
  const json = await readJsonFile(nodeFileStore(), join(folder, "config.json"));
  try {
    return configFromHuggingFace(json);
  } catch (error) {
    if (isRefusal(error)) throw badInput(`inspect: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}

async function run({ output, cwd }: Context, name: string): Promise<void> {
  const config = await configOf(name, cwd);
  const rows = withBackend(createMetaBackend(), () => parameterTable(gpt2(config, null)));
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const T = config.maxSeqLen;
  const { total } = countFlops(() => gpt2(config, null).forward(zeros([1, T], { dtype: "int32" })));
  const flopsPerToken = Math.round(total / T);
  output.event({ event: "model", config, parameters, bytes, flopsPerToken, context: T, weights: rows });
  const { numLayers, numHeads, dModel, vocabSize } = config;
  output.line(`${numLayers} layers, ${numHeads} heads, width ${dModel}, context ${T}, vocabulary ${vocabSize}`);
  for (const row of folded(rows, numLayers)) output.line(row);
  output.line(`${parameters.toLocaleString("en")} parameters, ${bytes.toLocaleString("en")} bytes in float32`);
  output.line(
    `${flopsPerToken.toLocaleString("en")} FLOPs a token, forward at context ${T} (matrix products); training takes about three times that`,
  );
}

/** A line for each weight; the blocks, which are alike, once. */
function* folded(rows: readonly ParameterRow[], numLayers: number): Generator<string> {
  for (const { name, shape, parameters } of rows) {
    const block = /^blocks\.(\d+)\./.exec(name);
    if (block && block[1] !== "0") continue;
    const shown = block ? name.replace("blocks.0.", "blocks.*.") : name;
    const times = block && numLayers > 1 ? `  x ${numLayers}` : "";
    yield `  ${shown.padEnd(36)} ${`[${shape.join(", ")}]`.padEnd(15)} ${parameters.toLocaleString("en").padStart(13)}${times}`;
  }
}
