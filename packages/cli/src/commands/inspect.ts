import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { countFlops, type ParameterRow, parameterTable } from "@heed/inspect";
import { type Decoder, type Gpt2Config, gpt2, gpt2Presets, isDecoder, modelFromHuggingFace } from "@heed/models";
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

/** How to build the model that is meant, and what says what it is. @throws CliError if there is none */
async function describe(name: string, cwd: string): Promise<{ readonly config: unknown; build(): object }> {
  const preset = presets[name];
  if (preset && Object.hasOwn(presets, name)) return { config: preset, build: () => gpt2(preset, null) };
  const folder = resolve(cwd, name);
  if (!(await stat(folder).catch(() => undefined))) {
    throw wrongUse(
      `inspect: ${name} is neither a folder nor a preset, expected a Hugging Face folder or one of ${presetNames.join(", ")}.${suggest(name, presetNames)}`,
    );
  }
  await expectModelFolder("inspect", folder);
  const json = await readJsonFile(nodeFileStore(), join(folder, "config.json"));
  try {
    const { config } = withBackend(createMetaBackend(), () => modelFromHuggingFace(json, null));
    return { config, build: () => modelFromHuggingFace(json, null).model };
  } catch (error) {
    if (isRefusal(error)) throw badInput(`inspect: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}

async function run({ output, cwd }: Context, name: string): Promise<void> {
  const { config, build } = await describe(name, cwd);
  const rows = withBackend(createMetaBackend(), () => parameterTable(build()));
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const decoder = withBackend(createMetaBackend(), () => decoderSizes(build()));
  output.event({ event: "model", config, parameters, bytes, ...decoder, weights: rows });
  if (decoder) output.line(`context ${decoder.context}, vocabulary ${decoder.vocabulary}`);
  for (const row of folded(rows)) output.line(row);
  output.line(`${parameters.toLocaleString("en")} parameters, ${bytes.toLocaleString("en")} bytes in float32`);
  if (decoder)
    output.line(
      `${decoder.flopsPerToken.toLocaleString("en")} FLOPs a token, forward at context ${decoder.context} (matrix products); training takes about three times that`,
    );
}

/** What only decoder-only language models have. */
function decoderSizes(model: object) {
  if (!isDecoder(model)) return undefined;
  const { maxSeqLen: context, vocabSize: vocabulary } = model as Decoder;
  const { total } = countFlops(() => model.forward(zeros([1, context], { dtype: "int32" })));
  return { context, vocabulary, flopsPerToken: Math.round(total / context) };
}

const blockPattern = /^((?:\w+\.)*blocks\.)(\d+)\./;

/** A line for each weight; the blocks of a stack, which are alike, once. */
function* folded(rows: readonly ParameterRow[]): Generator<string> {
  const counts = new Map<string, number>();
  for (const { name } of rows) {
    const [, stack, layer] = blockPattern.exec(name) ?? [];
    if (stack) counts.set(stack, Math.max(counts.get(stack) ?? 0, Number(layer) + 1));
  }
  for (const { name, shape, parameters } of rows) {
    const [, stack, layer] = blockPattern.exec(name) ?? [];
    if (stack && layer !== "0") continue;
    const shown = stack ? name.replace(`${stack}0.`, `${stack}*.`) : name;
    const times = stack && counts.get(stack)! > 1 ? `  x ${counts.get(stack)}` : "";
    yield `  ${shown.padEnd(48)} ${`[${shape.join(", ")}]`.padEnd(15)} ${parameters.toLocaleString("en").padStart(13)}${times}`;
  }
}
