import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isCheckpointError, type JsonObject, readJsonFile } from "@heed/checkpoints";
import { loadTokenizer, type Tokenizer } from "@heed/data";
import { type Decoder, isDecoder, type LoadOptions, loadPretrained, type Pretrained } from "@heed/models";
import { dispose } from "@heed/tensor";
import { badInput } from "./errors.ts";
import { isWebAddress, readFolder } from "./model-folder.ts";

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

function unlessMissing(error: unknown): undefined {
  if (isCheckpointError(error) && error.code === "missing") return undefined;
  throw error;
}

/** @throws CliError unless `folder` is a folder with a config.json, on the disk or the web */
export async function expectModelFolder(command: string, folder: string): Promise<void> {
  if (isWebAddress(folder)) {
    if (await readFolder(command, folder, async ({ store }) => (await store.size("config.json")) !== null)) return;
    throw badInput(
      `${command}: ${folder} has no config.json, expected the address of a Hugging Face folder. Check the address`,
    );
  }
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

/** Reads config.json of a Hugging Face folder. */
export async function readConfig(command: string, folder: string): Promise<JsonObject> {
  await expectModelFolder(command, folder);
  return readFolder(command, folder, (files) => readJsonFile(files.store, join(files.folder, "config.json")));
}

/** Loads a Hugging Face folder; what does not fit in it is bad input. */
export async function openModel(command: string, folder: string, options: LoadOptions = {}): Promise<Pretrained> {
  await expectModelFolder(command, folder);
  return readFolder(command, folder, (files) => loadPretrained(files.store, files.folder, options));
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
  const [json, path] = await readFolder(command, folder, async (files) => [
    await readJsonFile(files.store, join(files.folder, "tokenizer.json")).catch(unlessMissing),
    files.shown("tokenizer.json"),
  ]);
  if (!json) {
    throw badInput(
      `${command}: ${folder} has no tokenizer.json, expected one beside the model. Copy it from where the model was trained`,
    );
  }
  const tokenizer = loadTokenizer(json);
  if (tokenizer.vocabSize > vocabSize) {
    throw badInput(
      `${command}: ${path} has ${tokenizer.vocabSize} tokens, expected at most ${vocabSize} (vocab_size of config.json). It belongs to another model`,
    );
  }
  return tokenizer;
}
