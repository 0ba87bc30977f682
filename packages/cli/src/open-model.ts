import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { loadTokenizer, type Tokenizer } from "@heed/data";
import { type Decoder, isDecoder, type LoadOptions, loadPretrained, type Pretrained } from "@heed/models";
import { dispose } from "@heed/tensor";
import { badInput, isRefusal } from "./errors.ts";

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/** @throws CliError unless `folder` is a folder with a config.json */
export async function expectModelFolder(command: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) {
    throw badInput(`${command}: folder ${folder} does not exist, expected a Hugging Face folder. Check the path`);
  }
  if (!found.isDirectory()) {
    throw badInput(`${command}: ${folder} is a file, expected a Hugging Face folder. Name the folder it is in`);
  }
  if (await exists(join(folder, "config.json"))) return;
  const hint = (await exists(join(folder, "run")))
    ? "Its run has not ended: continue it with train --resume"
    : "Check the path";
  throw badInput(`${command}: ${folder} has no config.json, expected a Hugging Face folder. ${hint}`);
}

/** Loads a Hugging Face folder; what does not fit in it is bad input. */
export async function openModel(command: string, folder: string, options: LoadOptions = {}): Promise<Pretrained> {
  await expectModelFolder(command, folder);
  try {
    return await loadPretrained(nodeFileStore(), folder, options);
  } catch (error) {
    if (isRefusal(error)) throw badInput(`${command}: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}

/** Loads a decoder-only language model. @throws CliError if the folder holds another kind */
export async function openDecoder(
  command: string,
  folder: string,
): Promise<{ readonly model: Decoder; readonly pretrained: Pretrained }> {
  const pretrained = await openModel(command, folder);
  const { model, modelType } = pretrained;
  if (isDecoder(model)) return { model, pretrained };
  dispose(model);
  throw badInput(
    `${command}: ${folder} holds a model of type ${modelType}, expected a decoder-only language model. Name another folder`,
  );
}

/** Loads the tokenizer beside a model. @throws CliError if there is none or its vocabulary is larger than the model's */
export async function openTokenizer(command: string, folder: string, vocabSize: number): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  if (!(await exists(path))) {
    throw badInput(
      `${command}: ${folder} has no tokenizer.json, expected one beside the model. Copy it from where the model was trained`,
    );
  }
  const tokenizer = loadTokenizer(await readJsonFile(nodeFileStore(), path));
  if (tokenizer.vocabSize > vocabSize) {
    throw badInput(
      `${command}: ${path} has ${tokenizer.vocabSize} tokens, expected at most ${vocabSize} (vocab_size of config.json). It belongs to another model`,
    );
  }
  return tokenizer;
}
