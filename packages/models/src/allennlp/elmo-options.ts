import type { Json, JsonObject } from "@heed/checkpoints";
import type { ElmoConfig } from "../elmo.ts";
import { numElmoCharacters } from "../elmo-characters.ts";

function fail(key: string, expected: string, value: Json | undefined): never {
  throw new RangeError(
    `elmoConfigFromOptions: options.json has an unsupported ${key}, expected ${expected}, got ${JSON.stringify(value)}`,
  );
}

/** What only the training of the language models reads. */
const trainingKeys = [
  ...["all_clip_norm_val", "batch_size", "n_epochs", "n_train_tokens", "n_tokens_vocab", "n_negative_samples_batch"],
  ...["unroll_steps", "sample_softmax", "n_gpus", "learning_rate", "optimizer"],
];

function objectAt(json: JsonObject, key: string): JsonObject {
  const value = json[key];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : fail(key, "an object", value);
}

/** Reads keys of one object; none may stay unread. */
function reader(json: JsonObject, where: string) {
  const asked = new Set<string>();
  const get = (key: string): Json | undefined => {
    asked.add(key);
    return json[key];
  };
  const name = (key: string): string => where + key;
  return {
    get,
    name,
    count(key: string, least = 1, fallback?: number): number {
      const value = get(key) ?? fallback;
      return typeof value === "number" && Number.isSafeInteger(value) && value >= least
        ? value
        : fail(name(key), `a whole number >= ${least}`, value);
    },
    /** null, 0 or no key: no bound */
    bound(key: string): number {
      const value = get(key) ?? 0;
      return typeof value === "number" && value >= 0 ? value : fail(name(key), "a number >= 0 or null", value);
    },
    only(key: string, expected: Json, ...others: readonly Json[]): void {
      const value = get(key);
      if (value !== undefined && ![expected, ...others].includes(value))
        fail(name(key), JSON.stringify(expected), value);
    },
    finish(): void {
      const unknown = Object.keys(json).filter((key) => !asked.has(key));
      if (unknown.length === 0) return;
      throw new RangeError(
        `elmoConfigFromOptions: options.json has keys that ELMo does not know, expected only known ones, got ${unknown.map((key) => `${where}${key}: ${JSON.stringify(json[key])}`).join(", ")}. Remove them if they change nothing`,
      );
    },
  };
}

function readFilters(value: Json | undefined): ElmoConfig["filters"] {
  const expected = "a list of [size, channels]";
  if (!Array.isArray(value) || value.length === 0) return fail("char_cnn.filters", expected, value);
  return value.map((item) => {
    const [size, dOut] = Array.isArray(item) && item.length === 2 ? item : [];
    const isCount = (x: Json | undefined): x is number => typeof x === "number" && Number.isSafeInteger(x) && x >= 1;
    return isCount(size) && isCount(dOut) ? { size, dOut } : fail("char_cnn.filters", expected, item);
  });
}

/**
 * The configuration that an `options.json` of a published ELMo describes.
 *
 * @throws RangeError naming a key that is unknown, or has a value that is not supported
 * @see AllenNLP, `_ElmoCharacterEncoder` and `ElmoLstm`; allenai/bilm-tf.
 */
export function elmoConfigFromOptions(json: JsonObject): ElmoConfig {
  const top = reader(json, "");
  top.only("bidirectional", true);
  for (const key of trainingKeys) top.get(key);
  for (const key of ["char_cnn", "lstm"]) top.get(key);
  const dropout = top.get("dropout") ?? 0;
  if (!(typeof dropout === "number" && dropout >= 0 && dropout < 1)) fail("dropout", "a number in [0, 1)", dropout);
  top.finish();

  const cnn = reader(objectAt(json, "char_cnn"), "char_cnn.");
  cnn.get("embedding");
  const embedding = reader(objectAt(objectAt(json, "char_cnn"), "embedding"), "char_cnn.embedding.");
  const dCharacter = embedding.count("dim");
  embedding.finish();
  // Training counts one row less than the table has in use.
  cnn.only("n_characters", numElmoCharacters, numElmoCharacters - 1);
  const activation = cnn.get("activation");
  if (activation !== "relu" && activation !== "tanh") fail("char_cnn.activation", "relu or tanh", activation);
  const words: Omit<ElmoConfig, "dModel" | "dState" | "numLayers"> = {
    dCharacter,
    filters: readFilters(cnn.get("filters")),
    activation,
    maxCharacters: cnn.count("max_characters_per_token", 3, 50),
    numHighways: cnn.count("n_highway", 0, 0),
  };
  cnn.finish();

  const lstm = reader(objectAt(json, "lstm"), "lstm.");
  const skipConnections = lstm.get("use_skip_connections") ?? false;
  if (typeof skipConnections !== "boolean") fail("lstm.use_skip_connections", "true or false", skipConnections);
  const [cellClip, projectionClip] = [lstm.bound("cell_clip"), lstm.bound("proj_clip")];
  const layers = {
    dModel: lstm.count("projection_dim"),
    dState: lstm.count("dim"),
    numLayers: lstm.count("n_layers"),
    skipConnections: skipConnections === true,
    ...(cellClip > 0 && { cellClip }),
    ...(projectionClip > 0 && { projectionClip }),
  };
  lstm.finish();
  return { ...words, ...layers, ...(typeof dropout === "number" && dropout > 0 && { dropout }) };
}

/** The `options.json` of a configuration; mixtures and the head have no place in it. */
export function elmoOptionsFromConfig(config: ElmoConfig): JsonObject {
  return {
    bidirectional: true,
    dropout: config.dropout ?? 0,
    char_cnn: {
      activation: config.activation ?? "relu",
      embedding: { dim: config.dCharacter },
      filters: config.filters.map(({ size, dOut }) => [size, dOut]),
      max_characters_per_token: config.maxCharacters ?? 50,
      n_characters: numElmoCharacters,
      n_highway: config.numHighways,
    },
    lstm: {
      cell_clip: config.cellClip || null,
      dim: config.dState,
      n_layers: config.numLayers,
      proj_clip: config.projectionClip || null,
      projection_dim: config.dModel,
      use_skip_connections: config.skipConnections ?? true,
    },
  };
}
