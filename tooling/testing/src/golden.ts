import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type PlainArray, type PlainTensor, readPlainSafetensors } from "./safetensors.ts";

/** One recorded array: an input, or an expected value with its tolerance. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "float64" | "int32" | "bool";
  readonly values: PlainArray;
  /** Largest allowed absolute difference of an element; 0 where the values must be equal. */
  readonly atol: number;
  /** 1 where the element counts, 0 at padding; absent when all count. Same length as `values`. */
  readonly counts?: Uint8Array;
}

export interface GoldenCase {
  readonly name: string;
  readonly description: string;
  /** Class, options and reference function, as recorded. */
  readonly call: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, GoldenArray>>;
  readonly outputs: Readonly<Record<string, GoldenArray>>;
  /** Gradients of the quantity that `gradientsOf` names, by parameter or `input:name`. */
  readonly grads: Readonly<Record<string, GoldenArray>>;
  readonly gradientsOf?: string;
  /** Parameters after the last update of a training run. */
  readonly parametersAfter: Readonly<Record<string, GoldenArray>>;
}

export interface Golden {
  /** Absolute path of the fixture's folder. */
  readonly folder: string;
  readonly cases: readonly GoldenCase[];
  /** The case of that name; throws if there is none. */
  find(name: string): GoldenCase;
}

interface Entry {
  readonly tensor: string;
  readonly atol?: number;
  readonly compareWhere?: { readonly mask: string; readonly equals: number; readonly axes: readonly number[] };
}

type Entries = Readonly<Record<string, Entry>>;

interface RawCase extends Pick<GoldenCase, "name" | "description" | "call" | "gradientsOf"> {
  readonly inputs?: Entries;
  readonly outputs?: Entries;
  readonly grads?: Entries;
  readonly parametersAfter?: Entries;
}

const dtypes = { F32: "float32", F64: "float64", I32: "int32", I64: "int32", U8: "bool", BOOL: "bool" } as const;
const read = new Map<string, Golden>();

/** Where the fixtures are: `HEED_GOLDEN`, else `golden` in the folder `shared` beside the repository. */
export function goldenRoot(): string {
  return process.env.HEED_GOLDEN ?? fileURLToPath(new URL("../../../../shared/golden", import.meta.url));
}

/**
 * Reads one fixture of recorded inputs and expected outputs; undefined, with the reason printed, when it is not there.
 *
 * @param fixture name of the folder, such as `unit-norms`
 * @example
 * const fixture = golden("unit-norms");
 * describe.skipIf(!fixture)("golden", () => {
 *   for (const c of fixture?.cases ?? []) {
 *     test(c.name, () => expectGolden(layerNorm(c.inputs.x.values), c.outputs.output, "output"));
 *   }
 * });
 */
export function golden(fixture: string): Golden | undefined {
  const folder = `${goldenRoot()}/${fixture}`;
  const known = read.get(folder);
  if (known) return known;
  if (!existsSync(`${folder}/golden.json`)) {
    console.log(
      `golden: ${fixture} skipped, because there is no ${folder}/golden.json. Set HEED_GOLDEN to the folder of fixtures`,
    );
    return undefined;
  }
  const made = readGolden(folder);
  read.set(folder, made);
  return made;
}

function readGolden(folder: string): Golden {
  const raw = JSON.parse(readFileSync(`${folder}/golden.json`, "utf8")) as { cases: RawCase[] };
  const tensors = readPlainSafetensors(`${folder}/golden.safetensors`);
  const cases = raw.cases.map((c) => ({
    name: c.name,
    description: c.description,
    call: c.call ?? {},
    gradientsOf: c.gradientsOf,
    inputs: arrays(c.inputs, tensors),
    outputs: arrays(c.outputs, tensors),
    grads: arrays(c.grads, tensors),
    parametersAfter: arrays(c.parametersAfter, tensors),
  }));
  return {
    folder,
    cases,
    find(name) {
      const found = cases.find((c) => c.name === name);
      if (!found)
        throw new Error(
          `golden: ${folder} has no case ${name}, expected one of ${cases.map((c) => c.name).join(", ")}`,
        );
      return found;
    },
  };
}

function arrays(entries: Entries | undefined, tensors: Map<string, PlainTensor>): Record<string, GoldenArray> {
  const result: Record<string, GoldenArray> = {};
  for (const [name, entry] of Object.entries(entries ?? {})) {
    const stored = tensors.get(entry.tensor);
    if (!stored) throw new Error(`golden: tensor ${entry.tensor} is not in golden.safetensors`);
    result[name] = {
      shape: stored.shape,
      dtype: dtypes[stored.dtype],
      values: stored.values,
      atol: entry.atol ?? 0,
      ...(entry.compareWhere ? { counts: countedPositions(stored.shape, entry.compareWhere, tensors) } : {}),
    };
  }
  return result;
}

/** Spreads a mask over some axes of an array to all its elements. */
function countedPositions(
  shape: readonly number[],
  where: NonNullable<Entry["compareWhere"]>,
  tensors: Map<string, PlainTensor>,
): Uint8Array {
  const mask = tensors.get(where.mask);
  if (!mask) throw new Error(`golden: mask ${where.mask} is not in golden.safetensors`);
  const size = shape.reduce((product, length) => product * length, 1);
  const counts = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    const index = indexOf(at, shape);
    const inMask = where.axes.reduce((offset, axis, i) => offset * (mask.shape[i] ?? 1) + (index[axis] ?? 0), 0);
    counts[at] = mask.values[inMask] === where.equals ? 1 : 0;
  }
  return counts;
}

function indexOf(at: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = at; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    index[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return index;
}
