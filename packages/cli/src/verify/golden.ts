import { type JsonObject, type NamedArray, openSafetensors, readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { join } from "node:path";
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
  /** elements that count: those whose mask has the value */
  readonly where?: { readonly mask: GoldenArray; readonly equals: number; readonly axes: readonly number[] } | undefined;
}

/** One recorded computation. */
export interface GoldenCase {
  readonly name: string;
  /** class, kind, options: what was called */
  readonly call: JsonObject;
  readonly inputs: ReadonlyMap<string, GoldenArray>;
  readonly outputs: ReadonlyMap<string, GoldenExpectation>;
  readonly grads: ReadonlyMap<string, GoldenExpectation>;
  readonly parametersAfter: ReadonlyMap<string, GoldenExpectation>;
}

const objectOf = (value: unknown): JsonObject => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {});

/**
 * Reads `golden.json` and `golden.safetensors` of a folder; the format is described in the README of the golden folders.
 *
 * @throws CliError if they are missing or do not belong together
 */
export async function readGolden(folder: string): Promise<GoldenCase[]> {
  const store = nodeFileStore();
  const path = join(folder, "golden.json");
  if ((await store.size(path)) === null) throw badInput(`verify: ${folder} has no golden.json, expected a folder with recorded inputs and outputs. Check the path`);
  const document = await readJsonFile(store, path);
  if (!Array.isArray(document["cases"]) || document["cases"].length === 0) throw badInput(`verify: ${path} has no cases, expected a list of them`);
  const file = await openSafetensors(await store.open(join(folder, "golden.safetensors")));
  try {
    const arrays = new Map<string, GoldenArray>();
    for (const name of file.entries.keys()) arrays.set(name, toGolden(await file.read(name)));
    return document["cases"].map((item) => readCase(objectOf(item), arrays, path));
  } finally {
    await file.close();
  }
}

function toGolden({ shape, values }: NamedArray): GoldenArray {
  return { shape, values: values instanceof BigInt64Array || values instanceof BigUint64Array ? Array.from(values, Number) : values };
}

function readCase(item: JsonObject, arrays: ReadonlyMap<string, GoldenArray>, path: string): GoldenCase {
  const arrayOf = (name: unknown): GoldenArray => {
    const found = arrays.get(String(name));
    if (!found) throw badInput(`verify: ${path} names the tensor ${String(name)}, expected one of golden.safetensors. The two files do not belong together`);
    return found;
  };
  const expectation = (value: unknown): GoldenExpectation => {
    const { tensor, exact, atol, compareWhere } = objectOf(value);
    if (exact !== true && typeof atol !== "number") throw badInput(`verify: ${path} gives no atol for ${String(tensor)}, expected a number or exact: true`);
    const where = compareWhere === undefined ? undefined : objectOf(compareWhere);
    return {
      ...arrayOf(tensor),
      tolerance: exact === true ? 0 : (atol as number),
      where: where && { mask: arrayOf(where["mask"]), equals: Number(where["equals"]), axes: where["axes"] as number[] },
    };
  };
  const map = <T>(key: string, read: (value: unknown) => T): Map<string, T> => new Map(Object.entries(objectOf(item[key])).map(([name, value]) => [name, read(value)]));
  return {
    name: String(item["name"]),
    call: objectOf(item["call"]),
    inputs: map("inputs", (value) => arrayOf(objectOf(value)["tensor"])),
    outputs: map("outputs", expectation),
    grads: map("grads", expectation),
    parametersAfter: map("parametersAfter", expectation),
  };
}
