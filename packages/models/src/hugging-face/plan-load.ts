import type { FloatDType, WeightFiles } from "@heed/checkpoints";
import { formatShape, type Rng, ShapeError, type Tensor } from "@heed/tensor";
import type { AnyFamily, ConfigOf, ModelType } from "./families.ts";
import type { WeightRow } from "./family.ts";
import { placedWeights, storedShape } from "./names.ts";

/** How the names in files relate to today's. */
export interface FileNames {
  /** in front of the names of the model without its head; "" if the files have none */
  readonly prefix: string;
  /** today's names, with the prefix, of all that the files hold */
  readonly today: ReadonlySet<string>;
  /** names in the files by today's, where they differ */
  readonly old: ReadonlyMap<string, string>;
}

/** Finds prefix and older names. */
export function fileNames(family: AnyFamily, { entries }: WeightFiles): FileNames {
  const found = [...entries.keys()];
  const prefix = found.some((name) => name.startsWith(family.prefix)) ? family.prefix : "";
  const bareOf = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const all = new Set(found.map(bareOf));
  const renamed = found.map((name) => {
    const bare = bareOf(name);
    return [(name.startsWith(prefix) ? prefix : "") + (family.legacyName?.(bare, all) ?? bare), name] as const;
  });
  return {
    prefix,
    today: new Set(renamed.map(([today]) => today)),
    old: new Map(renamed.filter(([today, name]) => today !== name)),
  };
}

/** One weight to read. */
export interface Load {
  /** in the files */
  readonly name: string;
  readonly target: Tensor;
  readonly row: WeightRow;
}

/** What is to be done with everything in the files. */
export interface Plan {
  readonly loads: readonly Load[];
  readonly dtype: FloatDType;
  /** names in the files that repeat a tied weight, with today's name of that weight */
  readonly copies: ReadonlyMap<string, string>;
  /** names in the files that hold nothing to load */
  readonly keep: readonly string[];
  readonly fresh: readonly string[];
  readonly unused: readonly string[];
}

/** What {@link planLoad} takes. */
export interface PlanOptions {
  readonly model: object;
  readonly family: AnyFamily;
  readonly config: ConfigOf<ModelType>;
  readonly names: FileNames;
  readonly files: WeightFiles;
  /** with newWeights heads may be missing, with another architecture others may be left over */
  /** keys of config.json that decide the shape of a weight */
  readonly decidedBy: (name: string) => readonly string[];
  readonly lenient: { readonly architecture?: string; readonly newWeights?: Rng };
}

/**
 * Matches the model's weights and the files' before anything is read.
 *
 * @throws ShapeError listing what does not match
 */
export function planLoad({ model, family, config, names, files, lenient, decidedBy }: PlanOptions): Plan {
  const { prefix } = names;
  const inFile = (name: string): string => names.old.get(name) ?? name;
  const bareOf = (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const isHead = (name: string): boolean => family.isHead?.(bareOf(name)) ?? false;
  const problems = { missing: [] as string[], unexpected: [] as string[], different: [] as string[] };
  const [loads, fresh]: [Load[], string[]] = [[], []];
  const expected = new Set<string>();
  /** Whether a name is there, with the shape; what is wrong is noted. */
  const expect = (name: string, shape: readonly number[]): boolean => {
    expected.add(name);
    const entry = files.entries.get(inFile(name));
    if (!entry && lenient.newWeights && isHead(name)) fresh.push(name);
    else if (!entry) problems.missing.push(name);
    else if (formatShape(entry.shape) !== formatShape(shape))
      problems.different.push(
        `${name} expected ${formatShape(shape)}${because(decidedBy(name))}, got ${formatShape(entry.shape)}`,
      );
    return entry !== undefined;
  };
  for (const { theirs, row, tensor } of placedWeights(model, family, config, prefix))
    if (expect(theirs, storedShape(row, tensor))) loads.push({ name: inFile(theirs), target: tensor, row });
  for (const [name, shape] of family.zeroWeights?.(config) ?? []) expect(prefix + name, shape);
  const rest = [...names.today].filter((name) => !expected.has(name));
  const sorted = sortRest(rest, { family, config, names, isHead, lenient });
  problems.unexpected.push(...sorted.unexpected);
  refuseProblems(family.modelType, problems, isHead);
  const copies = new Map([...sorted.copies].map(([copy, of]) => [inFile(copy), of]));
  return {
    ...{ loads, fresh, copies, dtype: floatType(loads, files) },
    unused: sorted.unused.map(inFile),
    keep: sorted.keep.map(inFile),
  };
}

/** What is in the files but not in the model: copies of tied weights, buffers, another head, or a mistake. */
function sortRest(
  rest: readonly string[],
  {
    family,
    config,
    names: { prefix },
    isHead,
    lenient,
  }: Pick<PlanOptions, "family" | "config" | "names" | "lenient"> & { readonly isHead: (name: string) => boolean },
) {
  const tied = family.copies?.(config) ?? new Map<string, string>();
  const copies = new Map<string, string>();
  const [keep, unused, unexpected]: [string[], string[], string[]] = [[], [], []];
  for (const name of rest) {
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const source = tied.get(bare);
    if (source !== undefined) copies.set(name, source);
    else if (family.isIgnored(bare, config)) keep.push(name);
    else if (lenient.architecture !== undefined && isHead(name)) unused.push(name);
    else unexpected.push(name);
  }
  return { copies, keep, unused, unexpected };
}

const because = (keys: readonly string[]): string => (keys.length > 0 ? ` (from ${keys.join(", ")})` : "");

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

function refuseProblems(
  modelType: string,
  problems: Readonly<Record<string, readonly string[]>>,
  isHead: (name: string) => boolean,
): void {
  const found = Object.entries(problems).filter(([, names]) => names.length > 0);
  if (found.length === 0) return;
  const isNewHead = found.every(([kind, names]) => kind === "missing" && names.every(isHead));
  const advice = isNewHead
    ? "Give newWeights to draw those of a new head"
    : "Check that weights and config.json belong together";
  throw new ShapeError(
    `loadPretrained: weights do not fit the ${modelType} of config.json, expected exactly its names and shapes, got ${found.map(([kind, names]) => `${kind}: ${listed(names)}`).join("; ")}. ${advice}`,
  );
}

/** The one type of all weights, in which they can be written back. */
function floatType(loads: readonly Load[], files: WeightFiles): FloatDType {
  const first = new Map<string, string>();
  for (const { name } of loads) {
    const { dtype } = files.entries.get(name)!;
    if (/^(F|BF)\d/.test(dtype) && !first.has(dtype)) first.set(dtype, name);
  }
  const [one, other] = [...first];
  if (one && other)
    throw new ShapeError(
      `loadPretrained: weights have different element types, expected one for all, got ${one[0]} (${one[1]}) and ${other[0]} (${other[1]}). Convert them to one type where they were saved`,
    );
  return one?.[0] === "F16" || one?.[0] === "BF16" ? one[0] : "F32";
}
