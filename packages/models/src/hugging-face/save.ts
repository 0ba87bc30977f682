import {
  type FileStore,
  type FloatDType,
  type JsonObject,
  type NamedArray,
  writeHuggingFaceJson,
  writeWeights,
} from "@heed/checkpoints";
import { data, scope, type Tensor } from "@heed/tensor";
import { type AnyFamily, families } from "./families.ts";
import type { WeightRow } from "./family.ts";
import { join, type Pretrained } from "./load.ts";
import { classOf, placedWeights, toStored } from "./names.ts";

/** Options of {@link savePretrained}. */
export interface SaveOptions {
  /** element type of the weights in the file; default that of the folder the model came from, else F32 */
  readonly dtype?: FloatDType;
  /** larger models are split into several files; default 5 GB */
  readonly maxShardBytes?: number;
  /** keys to set in config.json, such as `eos_token_id` */
  readonly config?: JsonObject;
}

const torchNames: Readonly<Record<FloatDType, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * Writes a model as a Hugging Face folder that Python opens: `config.json`, `model.safetensors` (or shards with an index)
 * and, where the model came with one, `generation_config.json`.
 *
 * A model that was loaded gets back its names, configuration and element type, so that its values are bit for bit those
 * of the original; so are buffers, and tied weights stand again wherever they stood.
 *
 * A GPT-2 without biases is written with zero biases (the format has no other) and `heed_bias: false`, by which
 * `loadPretrained` leaves them out again, unless they were trained elsewhere meanwhile.
 *
 * @throws RangeError if the model has weights that its family does not
 * @see Hugging Face transformers, `save_pretrained`.
 * @example
 * await savePretrained(store, "out", { modelType: "gpt2", config, model }, { dtype: "BF16" });
 */
export async function savePretrained(
  store: FileStore,
  folder: string,
  pretrained: Pretrained,
  options: SaveOptions = {},
): Promise<void> {
  const family: AnyFamily = families[pretrained.modelType];
  const { origin, config } = pretrained;
  const dtype = options.dtype ?? origin?.dtype ?? "F32";
  const arrays = await weightArrays(pretrained, family, dtype);
  const json = {
    ...(origin?.config ?? family.writeConfig(config)),
    ...(pretrained.architecture !== undefined && architectureChange(pretrained)),
    ...(dtype !== origin?.dtype && { torch_dtype: torchNames[dtype] }),
    ...options.config,
  };
  await store.makeFolder(folder);
  await writeWeights(
    store,
    folder,
    arrays,
    options.maxShardBytes === undefined ? {} : { maxShardBytes: options.maxShardBytes },
  );
  const writeJson = (name: string, value: JsonObject): Promise<void> =>
    writeHuggingFaceJson(store, join(folder, name), value, { floatKeys: family.floatKeys });
  await writeJson("config.json", json);
  if (origin?.generationConfig) await writeJson("generation_config.json", origin.generationConfig);
}

/** What config.json says of the class, where it was loaded as another one. */
function architectureChange({ architecture, origin }: Pretrained): JsonObject {
  const named = origin?.config["architectures"];
  const isSame = origin && (!Array.isArray(named) || named.length === 0 || named.includes(architecture!));
  return isSame ? {} : { architectures: [architecture!] };
}

async function weightArrays(
  pretrained: Pretrained,
  family: AnyFamily,
  dtype: FloatDType,
): Promise<Map<string, NamedArray>> {
  const { config, model, origin } = pretrained;
  const prefix = origin?.prefix ?? (family.bare?.includes(classOf(pretrained)) ? "" : family.prefix);
  const inFile = (name: string): string => origin?.names.get(name) ?? name;
  const arrays = new Map<string, NamedArray>();
  for (const { theirs, row, tensor } of placedWeights(model, family, config, prefix))
    arrays.set(inFile(theirs), { dtype, ...(await read(tensor, row)) });
  for (const [name, shape] of family.zeroWeights?.(config) ?? [])
    arrays.set(prefix + name, { dtype, shape, values: new Float32Array(shape.reduce((size, axis) => size * axis, 1)) });
  for (const [copy, of] of origin?.copies ?? []) {
    const source = arrays.get(inFile(prefix + of)) ?? arrays.get(inFile(of));
    if (source) arrays.set(copy, source);
  }
  for (const [name, array] of origin?.kept ?? []) arrays.set(name, array);
  return arrays;
}

async function read(tensor: Tensor, row: WeightRow): Promise<{ shape: readonly number[]; values: Float32Array }> {
  const stored = scope(() => toStored(tensor, row));
  try {
    return { shape: stored.shape, values: await data<"float32">(stored) };
  } finally {
    if (stored !== tensor) stored.dispose();
  }
}
