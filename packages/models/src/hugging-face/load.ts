import {
  type FileStore,
  type FloatDType,
  type JsonObject,
  openWeights,
  readJsonFile,
  toFloat32,
  type WeightFiles,
} from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import {
  assign,
  createMetaBackend,
  dispose,
  formatShape,
  fromArray,
  permute,
  rng,
  ShapeError,
  scope,
  type Tensor,
  withBackend,
} from "@heed/tensor";
import type { Decoder } from "../decoder.ts";
import type { Gpt2Config } from "../gpt2.ts";
import { families, type ModelType, modelTypeOf } from "./families.ts";
import type { ModelFamily } from "./family.ts";
import { placeOf } from "./names.ts";

/** A model with what it takes to write its folder again as it was. */
export interface Pretrained {
  readonly modelType: ModelType;
  readonly config: Gpt2Config;
  readonly model: Decoder;
  /** of the folder it came from; absent for a model made here */
  readonly origin?: Origin;
}

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
}

/** Options of {@link loadPretrained}. */
export interface LoadOptions {
  /** called after each weight with the weights done and the weights in all */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Loads a Hugging Face folder: `config.json` and `model.safetensors`, or shards with their index.
 *
 * Weights become float32, exactly, one at a time: memory stays near the size of the model.
 *
 * @throws RangeError if config.json has an unknown model_type, key or value; ShapeError listing weights that are missing,
 *   not part of the model, or of another shape; CheckpointError for damaged files
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners; Hugging Face transformers, `from_pretrained`.
 * @example
 * const { model, config } = await loadPretrained(store, "my-gpt2"); // store: nodeFileStore() of "@heed/checkpoints/node"
 */
export async function loadPretrained(store: FileStore, folder: string, options: LoadOptions = {}): Promise<Pretrained> {
  const json = await readJsonFile(store, join(folder, "config.json"));
  const modelType = modelTypeOf(json);
  const family = families[modelType];
  const announced = family.readConfig(json);
  const files = await openWeights(store, folder);
  try {
    checkNumLayers(announced, files);
    const prefix = [...files.entries.keys()].some((name) => name.startsWith(family.prefix)) ? family.prefix : "";
    checkFit(family, announced, prefix, files);
    const config = await settleZeros(family, announced, prefix, files);
    const model = family.build(config, null);
    const plan = planLoad(model, family, config, prefix, files);
    await runPlan(plan.loads, files, options).catch((error: unknown) => {
      dispose(model);
      throw error;
    });
    const generationPath = join(folder, "generation_config.json");
    const generationConfig =
      (await store.size(generationPath)) === null ? undefined : await readJsonFile(store, generationPath);
    return { modelType, config, model, origin: { config: json, generationConfig, prefix, dtype: plan.dtype } };
  } finally {
    await files.close();
  }
}

export function join(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** Before anything of that size is made. */
function checkNumLayers({ numLayers }: Gpt2Config, { entries }: WeightFiles): void {
  if (numLayers <= entries.size) return;
  throw new ShapeError(
    `loadPretrained: config.json has ${numLayers} layers, expected at most one for each of ${entries.size} weights in the files. Check that weights and config.json belong together`,
  );
}

/** On shapes alone, so that a configuration that does not fit costs no memory. */
function checkFit(family: ModelFamily<Gpt2Config>, config: Gpt2Config, prefix: string, files: WeightFiles): void {
  withBackend(createMetaBackend(), () =>
    scope(() => void planLoad(family.build(config, rng(0)), family, config, prefix, files)),
  );
}

/** The configuration as announced if the weights it leaves out are zero indeed, else with them: they were trained since. */
async function settleZeros(
  family: ModelFamily<Gpt2Config>,
  announced: Gpt2Config,
  prefix: string,
  files: WeightFiles,
): Promise<Gpt2Config> {
  for (const name of family.zeroWeights(announced).keys()) {
    const values = toFloat32(await files.read(prefix + name), name);
    if (values.some((value) => value !== 0)) return family.withZeroWeights(announced);
  }
  return announced;
}

async function runPlan(loads: readonly Load[], files: WeightFiles, { onProgress }: LoadOptions): Promise<void> {
  let done = 0;
  for (const { name, target, transposed } of loads) {
    const values = toFloat32(await files.read(name), name);
    fill(target, values, transposed);
    onProgress?.(++done, loads.length);
  }
}

interface Load {
  readonly name: string;
  readonly target: Tensor;
  readonly transposed: boolean;
}

/** Matches the model's weights and the files' before anything is read. */
function planLoad(
  model: Decoder,
  family: ModelFamily<Gpt2Config>,
  config: Gpt2Config,
  prefix: string,
  files: WeightFiles,
): { loads: Load[]; dtype: FloatDType } {
  const loads: Load[] = [];
  const expected = new Set<string>();
  const problems = { missing: [] as string[], unexpected: [] as string[], different: [] as string[] };
  const expect = (name: string, shape: readonly number[]): void => {
    expected.add(name);
    const entry = files.entries.get(name);
    if (!entry) problems.missing.push(name);
    else if (formatShape(entry.shape) !== formatShape(shape))
      problems.different.push(`${name} expected ${formatShape(shape)}, got ${formatShape(entry.shape)}`);
  };
  for (const [ours, target] of stateDict(model)) {
    const { theirs, transposed } = placeOf(ours, family, prefix);
    expect(theirs, transposed ? [...target.shape].reverse() : target.shape);
    loads.push({ name: theirs, target, transposed });
  }
  for (const [name, shape] of family.zeroWeights(config)) expect(prefix + name, shape);
  for (const name of files.entries.keys()) {
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    if (!expected.has(name) && !family.isIgnored(bare, config)) problems.unexpected.push(name);
  }
  refuseProblems(family.modelType, problems);
  return { loads, dtype: floatType(loads, files) };
}

function refuseProblems(modelType: string, problems: Readonly<Record<string, readonly string[]>>): void {
  const listed = (names: readonly string[]): string =>
    names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
  const found = Object.entries(problems).filter(([, names]) => names.length > 0);
  if (found.length === 0) return;
  throw new ShapeError(
    `loadPretrained: weights do not fit the ${modelType} of config.json, expected exactly its names and shapes, got ${found.map(([kind, names]) => `${kind}: ${listed(names)}`).join("; ")}. Check that weights and config.json belong together`,
  );
}

/** The type of the widest weight, in which all can be written back. */
function floatType(loads: readonly Load[], files: WeightFiles): FloatDType {
  const types = new Set(loads.map(({ name }) => files.entries.get(name)!.dtype));
  if (types.size === 1 && (types.has("F16") || types.has("BF16"))) return types.has("F16") ? "F16" : "BF16";
  return "F32";
}

function fill(target: Tensor, values: Float32Array, transposed: boolean): void {
  scope(() => {
    const { backend, shape } = target;
    const stored = fromArray(values, transposed ? [...shape].reverse() : shape, { dtype: "float32", backend });
    assign(target, transposed ? permute(stored, [1, 0]) : stored);
  });
}
