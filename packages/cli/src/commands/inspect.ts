import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { type ParameterRow, countFlops, parameterTable } from "@heed/inspect";
import { type Gpt2Config, configFromHuggingFace, gpt2, gpt2Presets } from "@heed/models";
import { createMetaBackend, withBackend, zeros } from "@heed/tensor";
import { Command } from "commander";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { badInput, wrongUse } from "../errors.ts";
import type { Context } from "../program.ts";

export function inspectCommand(context: Context): Command {
  return new Command("inspect")
    .description("Layers, shapes, parameters, bytes and FLOPs of a model, without loading its weights.")
    .argument("<folder-or-preset>", `Hugging Face folder, or one of ${Object.keys(gpt2Presets).join(", ")}`)
    .action((name: string) => run(context, name));
}

async function configOf(name: string, cwd: string): Promise<Gpt2Config> {
  const presets: Readonly<Record<string, Gpt2Config>> = gpt2Presets;
  if (Object.hasOwn(presets, name)) return presets[name]!;
  const folder = resolve(cwd, name);
  if (!(await stat(folder).catch(() => undefined))) {
    throw wrongUse(`inspect: ${name} is neither a folder nor a preset, expected a Hugging Face folder or one of ${Object.keys(presets).join(", ")}`);
  }
  const json = await readJsonFile(nodeFileStore(), join(folder, "config.json"));
  try {
    return configFromHuggingFace(json);
  } catch (error) {
    if (error instanceof RangeError) throw badInput(`inspect: ${folder} cannot be used: ${error.message}`);
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
  output.line(`${config.numLayers} layers, ${config.numHeads} heads, width ${config.dModel}, context ${T}, vocabulary ${config.vocabSize}`);
  for (const row of folded(rows)) output.line(row);
  output.line(`${parameters.toLocaleString("en")} parameters, ${bytes.toLocaleString("en")} bytes in float32`);
  output.line(`${flopsPerToken.toLocaleString("en")} FLOPs a token forward at context ${T} (matrix products), about three times that in training`);
}

/** A line for each weight; the blocks, which are alike, once. */
function* folded(rows: readonly ParameterRow[]): Generator<string> {
  for (const { name, shape, parameters } of rows) {
    const block = /^blocks\.(\d+)\./.exec(name);
    if (block && block[1] !== "0") continue;
    const shown = block ? name.replace("blocks.0.", "blocks.*.") : name;
    yield `  ${shown.padEnd(44)} ${`[${shape.join(", ")}]`.padEnd(16)} ${parameters.toLocaleString("en")}`;
  }
}
