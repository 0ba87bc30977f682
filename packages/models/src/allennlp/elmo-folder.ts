import {
  CheckpointError,
  encodeSafetensors,
  type FileStore,
  type JsonObject,
  type NamedArray,
  openSafetensors,
  readJsonFile,
  type SafetensorsFile,
  toFloat32,
  writeFileAtomic,
  writeHuggingFaceJson,
} from "@heed/checkpoints";
import { type StateDict, stateDict } from "@heed/nn";
import {
  assign,
  createMetaBackend,
  data,
  dispose,
  formatShape,
  fromArray,
  ShapeError,
  scope,
  type Tensor,
  withBackend,
} from "@heed/tensor";
import { type ElmoConfig, elmo } from "../elmo.ts";
import type { Elmo } from "../elmo-model.ts";
import { join } from "../hugging-face/load.ts";
import { type ElmoNaming, elmoRows } from "./elmo-names.ts";
import { elmoConfigFromOptions, elmoOptionsFromConfig } from "./elmo-options.ts";

/** An ELMo with what it takes to write its folder again. */
export interface PretrainedElmo {
  readonly config: ElmoConfig;
  readonly model: Elmo;
  /** how the weights were named; default allennlp */
  readonly naming?: ElmoNaming;
  /** options.json as it was; absent for a model made here */
  readonly options?: JsonObject;
}

/** Options of {@link loadElmo}. */
export interface LoadElmoOptions {
  /** in the folder; default model.safetensors */
  readonly weights?: string;
  /** mixtures, where the file has none of its own: they start as averages; default 1 */
  readonly numRepresentations?: number;
  /** layers are normalized before they are mixed, which no file says; default false */
  readonly normalizeLayers?: boolean;
}

/**
 * Loads an ELMo: `options.json` and weights in safetensors, under the names of AllenNLP's module or under those of the
 * published files (whose HDF5 has to be converted first, dataset names kept).
 *
 * @throws RangeError if options.json has an unknown key or value; ShapeError listing weights that are missing, not part of
 *   the model or of another shape; CheckpointError for damaged files
 * @see AllenNLP, `Elmo`.
 * @example
 * const { model } = await loadElmo(store, "my-elmo"); // store: nodeFileStore() of "@heed/checkpoints/node"
 */
export async function loadElmo(
  store: FileStore,
  folder: string,
  { weights = "model.safetensors", numRepresentations = 1, normalizeLayers = false }: LoadElmoOptions = {},
): Promise<PretrainedElmo> {
  const options = await readJsonFile(store, join(folder, "options.json"));
  const read = elmoConfigFromOptions(options);
  const path = join(folder, weights);
  if ((await store.size(path)) === null)
    throw new CheckpointError(
      "missing",
      `loadElmo: ${path} does not exist, expected weights in safetensors. Convert other formats first; say their name with weights`,
    );
  const source = await store.open(path);
  try {
    const file = await openSafetensors(source, { file: path });
    const naming: ElmoNaming = file.entries.has("char_embed") ? "published" : "allennlp";
    const numMixes = [...file.entries.keys()].filter((name) => /^scalar_mix_\d+\.gamma$/.test(name)).length;
    const config = {
      ...read,
      numRepresentations: numMixes > 0 ? numMixes : numRepresentations,
      ...(normalizeLayers && { normalizeLayers }),
    };
    const rows = elmoRows(config, naming).filter(
      ({ ours }) => numMixes > 0 || !ours.some((name) => name.startsWith("mixes.")),
    );
    checkNames(config, rows, file);
    const model = elmo(config, null);
    try {
      const own = stateDict(model);
      for (const row of rows) await fill(row, own, file);
    } catch (error) {
      dispose(model);
      throw error;
    }
    return { config, model, naming, options };
  } finally {
    await source.close();
  }
}

type Rows = ReturnType<typeof elmoRows>;

/** All weights of rows by their names in files. */
function stored(rows: Rows, own: StateDict): Map<string, Tensor> {
  return new Map(
    rows.flatMap(({ ours, theirs, write }) => {
      const written = write(ours.map((name) => own.get(name)!));
      return theirs.map((name, i) => [name, written[i]!] as const);
    }),
  );
}

/** On shapes alone, before anything is read. */
function checkNames(config: ElmoConfig, rows: Rows, { entries }: SafetensorsFile): void {
  const expected = withBackend(createMetaBackend(), () =>
    scope(() => new Map([...stored(rows, stateDict(elmo(config, null)))].map(([name, { shape }]) => [name, shape]))),
  );
  const problems = {
    missing: [...expected.keys()].filter((name) => !entries.has(name)),
    unexpected: [...entries.keys()].filter((name) => !expected.has(name)),
    different: [...expected].flatMap(([name, shape]) => {
      const got = entries.get(name);
      return got && formatShape(got.shape) !== formatShape(shape)
        ? [`${name} expected ${formatShape(shape)}, got ${formatShape(got.shape)}`]
        : [];
    }),
  };
  const found = Object.entries(problems).filter(([, names]) => names.length > 0);
  if (found.length === 0) return;
  const list = (names: readonly string[]): string =>
    names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
  throw new ShapeError(
    `loadElmo: weights do not fit options.json, expected exactly its names and shapes, got ${found.map(([kind, names]) => `${kind}: ${list(names)}`).join("; ")}. Check that they belong together`,
  );
}

async function fill({ ours, theirs, read }: Rows[number], own: StateDict, file: SafetensorsFile): Promise<void> {
  const arrays: NamedArray[] = [];
  for (const name of theirs) arrays.push(await file.read(name));
  scope(() => {
    const { backend } = own.get(ours[0]!)!;
    const given = arrays.map((array, i) =>
      fromArray(toFloat32(array, theirs[i]!), array.shape, { dtype: "float32", backend }),
    );
    read(given).forEach((x, i) => assign(own.get(ours[i]!)!, x));
  });
}

/**
 * The weights of an ELMo by their names in files, in the layout they have there.
 *
 * Under the names of AllenNLP it also brings gradients there: give those instead of the weights.
 *
 * @param own by our names, as `stateDict` gives them; default the model's weights
 * @throws RangeError if the naming has no place for a weight: a head, or in published files mixtures
 * @example
 * elmoWeights({ config: elmoConfig, model: elmoModel }).get("scalar_mix_0.gamma"); // a tensor [1]
 */
export function elmoWeights(
  { config, model, naming = "allennlp" }: PretrainedElmo,
  own: StateDict = stateDict(model),
): Map<string, Tensor> {
  const rows = elmoRows(config, naming).filter(({ ours }) => ours.every((name) => own.has(name)));
  return stored(rows, own);
}

/**
 * Writes an ELMo: `options.json` and `model.safetensors`.
 *
 * Published files keep the forget bias less 1; what rounding that costs happens once, when it is first written.
 *
 * @param options.naming default the one it was loaded with, else allennlp
 * @throws RangeError if the naming has no place for what the model has: a head, or in published files mixtures that were
 *   trained or a row for padding that is not zero
 * @see AllenNLP, `Elmo`.
 * @example
 * await saveElmo(store, "out-elmo", { config: elmoConfig, model: elmoModel });
 */
export async function saveElmo(
  store: FileStore,
  folder: string,
  pretrained: PretrainedElmo,
  options: { readonly naming?: ElmoNaming } = {},
): Promise<void> {
  const naming = options.naming ?? pretrained.naming ?? "allennlp";
  await refuseLost(pretrained.model, naming);
  const arrays = new Map<string, NamedArray>();
  const tensors = scope(() => [...elmoWeights({ ...pretrained, naming })]);
  for (const [name, x] of tensors) arrays.set(name, { dtype: "F32", shape: x.shape, values: await data<"float32">(x) });
  const own = new Set(stateDict(pretrained.model).values());
  dispose(tensors.map(([, x]) => x).filter((x) => !own.has(x)));
  await store.makeFolder(folder);
  await writeFileAtomic(store, join(folder, "model.safetensors"), encodeSafetensors(arrays));
  const json = pretrained.options ?? elmoOptionsFromConfig(pretrained.config);
  await writeHuggingFaceJson(store, join(folder, "options.json"), json);
}

/** What would be missing from the files. */
async function refuseLost(model: Elmo, naming: ElmoNaming): Promise<void> {
  const refuse = (what: string): never => {
    throw new RangeError(
      `saveElmo: model has ${what}, expected only what the ${naming} names have a place for. Keep it in a file of your own`,
    );
  };
  if (model.head) refuse("a head");
  if (naming === "allennlp") return;
  for (const { weights, scale } of model.mixes) {
    const [shares, factor] = [await data(weights), await data(scale)];
    if (shares.some((share) => share !== shares[0]) || factor[0] !== 1) refuse("mixtures that were trained");
  }
  const width = model.characters.dModel;
  if ((await data(model.characters.weight)).slice(0, width).some((value) => value !== 0))
    refuse("a row for the padding of words that is not zero");
}
