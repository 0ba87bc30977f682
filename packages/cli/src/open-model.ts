import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { type Tokenizer, loadTokenizer } from "@heed/data";
import { type Pretrained, loadPretrained } from "@heed/models";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { badInput } from "./errors.ts";

const isRefusal = (error: unknown): error is Error => error instanceof RangeError || (error instanceof Error && error.name === "ShapeError");

async function expectFolder(command: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) throw badInput(`${command}: folder ${folder} does not exist, expected a Hugging Face folder. Check the path`);
  if (!found.isDirectory()) throw badInput(`${command}: ${folder} is a file, expected a Hugging Face folder. Name the folder it is in`);
}

/** Loads a Hugging Face folder; what does not fit in it is bad input. */
export async function openModel(command: string, folder: string): Promise<Pretrained> {
  await expectFolder(command, folder);
  try {
    return await loadPretrained(nodeFileStore(), folder);
  } catch (error) {
    if (isRefusal(error)) throw badInput(`${command}: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}

/** Loads the tokenizer beside a model. @throws CliError if there is none or its vocabulary is larger than the model's */
export async function openTokenizer(command: string, folder: string, vocabSize: number): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  if ((await nodeFileStore().size(path)) === null) throw badInput(`${command}: ${folder} has no tokenizer.json, expected one beside the model. Copy it from where the model was trained`);
  const tokenizer = loadTokenizer(await readJsonFile(nodeFileStore(), path));
  if (tokenizer.vocabSize > vocabSize) {
    throw badInput(`${command}: ${path} has ${tokenizer.vocabSize} tokens, expected at most ${vocabSize} (vocab_size of config.json). It belongs to another model`);
  }
  return tokenizer;
}
