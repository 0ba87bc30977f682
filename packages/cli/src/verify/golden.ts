import { join } from "node:path";
import { isCheckpointError, type JsonObject, type NamedArray, openSafetensors, readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { badInput } from "../errors.ts";

/** An array of a fixture: values as plain numbers. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** An array with how near a result must come. */
export interface GoldenExpectation extends GoldenArray {
  /** largest absolute difference of an element; 0 where values must be equal */
  readonly tolerance: number;
  /** elements that count: those whose mask has the value; the mask's axes are the listed ones of the array */
  readonly where?:
    | { readonly mask: GoldenArray; readonly equals: number; readonly axes: readonly number[] }
    | undefined;
}

/** One recorded computation. */
export interface GoldenCase {
  readonly name: string;
  /** class, kind, options: what was called */
  readonly call: JsonObject;
  readonly inputs: ReadonlyMap<string, GoldenArray>;
  readonly outputs: ReadonlyMap<string, GoldenExpectation>;
  readonly grads: ReadonlyMap<string, GoldenExpectation>;
  /** what the gradients are of */
  readonly gradientsOf?: string | undefined;
  readonly parametersAfter: ReadonlyMap<string, GoldenExpectation>;
  /** what the names of the case's own weights begin with in the weight files */
  readonly weightPrefix: string;
  /** how the producer says that it ran, such as "PyTorch, CPU, float32, eager attention"; empty where it does not */
  readonly runtime: string;
}

/** What a folder recorded. */
export interface Golden {
  /** of the fixture */
  readonly name: string;
  /** safetensors files of weights that belong to no model folder */
  readonly weightFiles: readonly string[];
  readonly cases: readonly GoldenCase[];
}

const objectOf = (value: unknown): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

/**
 * Reads `golden.json` and `golden.safetensors` of a folder; the format is described in the README of the golden folders.
 *
 * @throws CliError (bad input) if they are missing or do not belong together, CheckpointError if one is damaged
 */
export async function readGolden(folder: string): Promise<Golden> {
  const store = nodeFileStore();
  const path = join(folder, "golden.json");
  // A path that is no folder has no files either.
  const size = await store.size(path).catch((error: unknown) => {
    if (isCheckpointError(error)) throw error;
    return null;
  });
  if (size === null) {
    throw badInput(
      `verify: ${folder} has no golden.json, expected a folder with recorded inputs and outputs. Check the path`,
    );
  }
  const { name, producer, weights, cases } = await readJsonFile(store, path);
  if (!Array.isArray(cases) || cases.length === 0) {
    throw badInput(`verify: ${path} has no cases, expected a list of them`);
  }
  const arrays = await readArrays(join(folder, "golden.safetensors"));
  const { files } = objectOf(weights);
  const { runtime } = objectOf(producer);
  return {
    name: String(name),
    weightFiles: Array.isArray(files) ? files.map((file) => join(folder, String(file))) : [],
    cases: cases.map((item) => ({
      ...readCase(objectOf(item), arrays, path),
      runtime: typeof runtime === "string" ? runtime : "",
    })),
  };
}

/** The weights of a case by the names of the module that recorded it. */
export async function readWeights({ weightFiles }: Golden, { weightPrefix }: GoldenCase) {
  const weights = new Map<string, GoldenArray>();
  for (const file of weightFiles) {
    for (const [name, array] of await readArrays(file)) {
      if (name.startsWith(weightPrefix)) weights.set(name.slice(weightPrefix.length), array);
    }
  }
  return weights;
}

async function readArrays(path: string): Promise<Map<string, GoldenArray>> {
  const store = nodeFileStore();
  if ((await store.size(path)) === null) {
    throw badInput(
      `verify: ${path} does not exist, expected the arrays that golden.json names. Copy it beside golden.json`,
    );
  }
  const source = await store.open(path);
  try {
    const file = await openSafetensors(source, { file: path });
    const arrays = new Map<string, GoldenArray>();
    for (const name of file.entries.keys()) arrays.set(name, toGolden(await file.read(name)));
    return arrays;
  } finally {
    await source.close();
  }
}

function toGolden({ shape, values }: NamedArray): GoldenArray {
  const isBig = values instanceof BigInt64Array || values instanceof BigUint64Array;
  return { shape, values: isBig ? Array.from(values, Number) : values };
}

/** Which elements count, checked: the mask's axes exist and have its sizes. */
function readWhere(value: unknown, shape: readonly number[], arrayOf: (name: unknown) => GoldenArray, path: string) {
  if (value === undefined) return undefined;
  const { mask: name, equals, axes } = objectOf(value);
  const mask = arrayOf(name);
  const listed = Array.isArray(axes) ? axes.map(Number) : [];
  if (typeof equals !== "number" || listed.map((axis) => shape[axis]).join() !== mask.shape.join()) {
    throw badInput(
      `verify: ${path} compares where ${String(name)} [${mask.shape.join(", ")}] has a value, expected its sizes at axes [${listed.join(", ")}] of [${shape.join(", ")}]`,
    );
  }
  return { mask, equals, axes: listed };
}

function readCase(
  item: JsonObject,
  arrays: ReadonlyMap<string, GoldenArray>,
  path: string,
): Omit<GoldenCase, "runtime"> {
  const arrayOf = (name: unknown): GoldenArray => {
    const found = arrays.get(String(name));
    if (found) return found;
    throw badInput(
      `verify: ${path} names the tensor ${String(name)}, expected one of golden.safetensors. The two files do not belong together`,
    );
  };
  const expectation = (value: unknown): GoldenExpectation => {
    const { tensor, exact, atol, compareWhere } = objectOf(value);
    if (exact !== true && !(typeof atol === "number" && atol >= 0)) {
      throw badInput(`verify: ${path} gives no tolerance for ${String(tensor)}, expected atol >= 0 or exact: true`);
    }
    const array = arrayOf(tensor);
    const where = readWhere(compareWhere, array.shape, arrayOf, path);
    return { ...array, tolerance: exact === true ? 0 : (atol as number), where };
  };
  const entries = <T>(value: unknown, read: (item: unknown) => T): Map<string, T> =>
    new Map(Object.entries(objectOf(value)).map(([name, entry]) => [name, read(entry)]));
  return {
    name: String(item["name"]),
    call: objectOf(item["call"]),
    inputs: entries(item["inputs"], (value) => arrayOf(objectOf(value)["tensor"])),
    outputs: entries(item["outputs"], expectation),
    grads: entries(item["grads"], expectation),
    gradientsOf: typeof item["gradientsOf"] === "string" ? item["gradientsOf"] : undefined,
    parametersAfter: entries(item["parametersAfter"], expectation),
    weightPrefix: typeof item["weightPrefix"] === "string" ? item["weightPrefix"] : "",
  };
}
