import {
  type FileStore,
  type FloatDType,
  type JsonObject,
  type NamedArray,
  openWeights,
  readJsonFile,
  toFloat32,
  type WeightFiles,
} from "@heed/checkpoints";
import {
  assign,
  createMetaBackend,
  dispose,
  fromArray,
  type Rng,
  rng,
  ShapeError,
  scope,
  withBackend,
} from "@heed/tensor";
import { decidingKeys } from "./deciding-keys.ts";
import {
  type AnyFamily,
  architectureOf,
  type ConfigOf,
  families,
  type ModelOf,
  type ModelType,
  modelTypeOf,
} from "./families.ts";
import { fromStored } from "./names.ts";
import { type FileNames, fileNames, type Load, type Plan, planLoad } from "./plan-load.ts";

/** A model of one family with what it takes to write its folder again as it was. */
export interface PretrainedOf<Type extends ModelType> {
  readonly modelType: Type;
  /** class that it is; default the first of its family */
  readonly architecture?: string;
  readonly config: ConfigOf<Type>;
  readonly model: ModelOf<Type>;
  /** of the folder it came from; absent for a model made here */
  readonly origin?: Origin;
  /** weights, by their names in files, that the files lacked and `newWeights` drew; absent if none */
  readonly fresh?: readonly string[];
  /** weights in the files that this class does not have, of another head; absent if none */
  readonly unused?: readonly string[];
}

/** A model with what it takes to write its folder again as it was: which family, `modelType` tells. */
export type Pretrained<Type extends ModelType = ModelType> = { [Each in Type]: PretrainedOf<Each> }[Type];

/** What a folder said beside the weights. */
export interface Origin {
  /** config.json as it was */
  readonly config: JsonObject;
  /** generation_config.json, if there was one */
  readonly generationConfig: JsonObject | undefined;
  /** in front of the names of weights */
  readonly prefix: string;
  /** element type of the weights in the files */
  readonly dtype: FloatDType;
  /** older names of weights in the files, by today's */
  readonly names: ReadonlyMap<string, string>;
  /** names in the files that repeat a tied weight, with today's name of that weight */
  readonly copies: ReadonlyMap<string, string>;
  /** what else the files hold, such as buffers */
  readonly kept: ReadonlyMap<string, NamedArray>;
}

/** Options of {@link loadPretrained}. */
export interface LoadOptions<Type extends ModelType = ModelType> {
  /** the only family that is wanted, which types the result; default any */
  readonly modelType?: Type;
  /** class to build, where another one than config.json names is wanted; default the one it names */
  readonly architecture?: string;
  /** keys of config.json to replace, such as `num_labels` for a new head */
  readonly config?: JsonObject;
  /** draws the weights of a head that the files lack; without it they are an error */
  readonly newWeights?: Rng;
  /** called after each weight with the weights done and the weights in all */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Loads a Hugging Face folder: `config.json` and `model.safetensors`, or shards with their index, from a disk, from memory, or
 * from the web with `urlFileStore` of `@heed/checkpoints`.
 *
 * Weights become float32, exactly, one at a time: memory stays near the size of the model.
 *
 * @throws RangeError if config.json has an unknown model_type, key or value; ShapeError listing weights that are missing,
 *   not part of the model, of another shape or of different types; CheckpointError for damaged files
 * @see Hugging Face transformers, `from_pretrained`.
 * @example
 * const { model, config } = await loadPretrained(store, "my-gpt2"); // store: nodeFileStore() of "@heed/checkpoints/node"
 */
export async function loadPretrained<Type extends ModelType = ModelType>(
  store: FileStore,
  folder: string,
  options: LoadOptions<Type> = {},
): Promise<Pretrained<Type>> {
  const json = { ...(await readJsonFile(store, join(folder, "config.json"))), ...options.config };
  const modelType = modelTypeOf(json, options.modelType);
  const family: AnyFamily = families[modelType];
  const architecture = architectureOf(family, json, options.architecture);
  const announced = family.readConfig(json, architecture);
  const files = await openWeights(store, folder);
  try {
    checkNumLayers(family.numLayers(announced), files);
    const names = fileNames(family, files);
    const decidedBy = decidingKeys({ family, json, architecture, prefix: names.prefix });
    const planFor = (model: object, config: ConfigOf<ModelType>): Plan =>
      planLoad({ model, family, config, names, files, lenient: options, decidedBy });
    // On shapes alone first, so that a configuration that does not fit costs no memory.
    withBackend(createMetaBackend(), () => scope(() => void planFor(family.build(announced, rng(0)), announced)));
    const config = await settleZeros(family, announced, names, files);
    const model = family.build(config, options.newWeights ?? null);
    const plan = planFor(model, config);
    const kept = await runPlan(plan, files, options).catch((error: unknown) => {
      dispose(model);
      throw error;
    });
    const { dtype, copies, fresh, unused } = plan;
    const generationConfig = await readGenerationConfig(store, folder);
    const origin = { config: json, generationConfig, prefix: names.prefix, dtype, names: names.old, copies, kept };
    return {
      ...{ modelType, architecture, config, model, origin },
      ...(fresh.length > 0 && { fresh }),
      ...(unused.length > 0 && { unused }),
    } as unknown as Pretrained<Type>;
  } finally {
    await files.close();
  }
}

export function join(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

async function readGenerationConfig(store: FileStore, folder: string): Promise<JsonObject | undefined> {
  const path = join(folder, "generation_config.json");
  return (await store.size(path)) === null ? undefined : await readJsonFile(store, path);
}

/** Before anything of that size is made. */
function checkNumLayers(numLayers: number, { entries }: WeightFiles): void {
  if (numLayers <= entries.size) return;
  throw new ShapeError(
    `loadPretrained: config.json has ${numLayers} layers, expected at most one for each of ${entries.size} weights in the files. Check that weights and config.json belong together`,
  );
}

/** The configuration as announced if the weights it leaves out are zero indeed, else with them: they were trained since. */
async function settleZeros(
  family: AnyFamily,
  announced: ConfigOf<ModelType>,
  { prefix }: FileNames,
  files: WeightFiles,
): Promise<ConfigOf<ModelType>> {
  for (const name of family.zeroWeights?.(announced).keys() ?? []) {
    const values = toFloat32(await files.read(prefix + name), name);
    if (values.some((value) => value !== 0)) return family.withZeroWeights!(announced);
  }
  return announced;
}

/** Reads every weight; returns what is in the files beside them. */
async function runPlan(
  { loads, keep }: Plan,
  files: WeightFiles,
  { onProgress }: LoadOptions,
): Promise<Map<string, NamedArray>> {
  let done = 0;
  for (const load of loads) {
    fill(load, toFloat32(await files.read(load.name), load.name), files.entries.get(load.name)!.shape);
    onProgress?.(++done, loads.length);
  }
  const kept = new Map<string, NamedArray>();
  for (const name of keep) kept.set(name, await files.read(name));
  return kept;
}

function fill({ target, row }: Load, values: Float32Array, shape: readonly number[]): void {
  scope(() => {
    const stored = fromArray(values, shape, { dtype: "float32", backend: target.backend });
    assign(target, fromStored(stored, row, target.shape));
  });
}
