import { stat } from "node:fs/promises";
import { countFlops, type ParameterRow, parameterTable } from "@heed/inspect";
import { isDecoder, modelFromHuggingFace } from "@heed/models";
import { createMetaBackend, withBackend, zeros } from "@heed/tensor";
import { Command } from "commander";
import type { Context } from "../context.ts";
import { badInput, isRefusal, wrongUse } from "../errors.ts";
import { isWebAddress, resolveFolder } from "../model-folder.ts";
import { readConfig } from "../open-model.ts";
import { type Preset, presets } from "../presets.ts";
import { suggest } from "../suggest.ts";

const presetNames = [...presets.keys()];

/** `inspect`: what a model is made of. */
export function inspectCommand(context: Context): Command {
  return new Command("inspect")
    .description("Layers, shapes, parameters, bytes and FLOPs of a model, without loading its weights.")
    .argument("<folder-or-preset>", `Hugging Face folder, its web address, or one of ${presetNames.join(", ")}`)
    .action((name: string) => run(context, name));
}

/** How to build the model that is meant, and what says what it is. @throws CliError if there is none */
async function describe(name: string, cwd: string): Promise<Preset> {
  const preset = presets.get(name);
  if (preset) return preset;
  const folder = resolveFolder(cwd, name);
  if (!isWebAddress(folder) && !(await stat(folder).catch(() => undefined))) {
    throw wrongUse(
      `inspect: ${name} is neither a folder nor a preset, expected a Hugging Face folder or a preset (inspect --help lists them).${suggest(name, presetNames)}`,
    );
  }
  const json = await readConfig("inspect", folder);
  try {
    const { config } = withBackend(createMetaBackend(), () => modelFromHuggingFace(json, null));
    return { config, build: () => modelFromHuggingFace(json, null).model };
  } catch (error) {
    if (isRefusal(error)) throw badInput(`inspect: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}

async function run({ output, cwd }: Context, name: string): Promise<void> {
  const described = await describe(name, cwd);
  const { config } = described;
  const rows = withBackend(createMetaBackend(), () => parameterTable(described.build()));
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const decoder = decoderSizes(described);
  output.event({ event: "model", config, parameters, bytes, ...decoder, weights: rows });
  if (decoder) output.line(`context ${decoder.context}, vocabulary ${decoder.vocabulary}`);
  for (const row of folded(rows)) output.line(row);
  output.line(`${parameters.toLocaleString("en")} parameters, ${bytes.toLocaleString("en")} bytes in float32`);
  if (decoder) {
    const { context, flopsContext, flopsPerToken } = decoder;
    const of = flopsContext < context ? ` of ${context}` : "";
    output.line(
      `${flopsPerToken.toLocaleString("en")} FLOPs a token, forward at context ${flopsContext}${of} (matrix products); training takes about three times that`,
    );
  }
}

/** Long contexts are counted up to here: attention alone grows with them, and scores have [T, T] values. */
const mostFlopsContext = 4096;

/** What only decoder-only language models have. */
function decoderSizes({ build }: Preset) {
  const built = withBackend(createMetaBackend(), build);
  if (!isDecoder(built)) return undefined;
  const { maxSeqLen: context, vocabSize: vocabulary } = built;
  const flopsContext = Math.min(context, mostFlopsContext);
  const { total } = countFlops(() => {
    const model = build();
    return isDecoder(model) && model.forward(zeros([1, flopsContext], { dtype: "int32" }));
  });
  return { context, vocabulary, flopsContext, flopsPerToken: Math.round(total / flopsContext) };
}

const blockPattern = /^((?:\w+\.)*blocks\.)\d+\./;

/** A line for each weight; those of the same name and shape in all blocks of a stack, once. */
function folded(rows: readonly ParameterRow[]): string[] {
  const lines = new Map<string, { cells: [name: string, shape: string, parameters: string]; times: number }>();
  for (const { name, shape, parameters } of rows) {
    const shown = name.replace(blockPattern, "$1*.");
    const line = lines.get(`${shown} ${shape}`);
    if (line) line.times++;
    else
      lines.set(`${shown} ${shape}`, {
        cells: [shown, `[${shape.join(", ")}]`, parameters.toLocaleString("en")],
        times: 1,
      });
  }
  const [names, shapes, counts] = [0, 1, 2].map((i) =>
    Math.max(...[...lines.values()].map(({ cells }) => cells[i]!.length)),
  );
  return [...lines.values()].map(({ cells: [name, shape, parameters], times }) => {
    const end = times > 1 ? `  x ${times}` : "";
    return `  ${name.padEnd(names!)}  ${shape.padEnd(shapes!)}  ${parameters.padStart(counts!)}${end}`;
  });
}
