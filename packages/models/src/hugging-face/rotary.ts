import type { JsonObject } from "@heed/checkpoints";
import type { RotaryConfig, RotaryScalingConfig } from "../rotary-config.ts";
import type { ConfigReader } from "./config-reader.ts";
import { isObject } from "./is-object.ts";

/** What each kind of scaling may say, beside its name. */
const scalingKeys: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ["factor"],
  dynamic: ["factor", "original_max_position_embeddings"],
  yarn: ["factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
};

/**
 * Reads `rope_scaling`. Dynamic scaling only begins behind `max_position_embeddings`, where our sequences end, and so is none.
 */
function readScaling(read: ConfigReader, key: string, value: JsonObject, { maxSeqLen, width }: RotaryTraits) {
  const kind = value["rope_type"] ?? value["type"] ?? "default";
  const keys = typeof kind === "string" && Object.hasOwn(scalingKeys, kind) ? scalingKeys[kind]! : undefined;
  if (!keys) return read.refuse(key, `null or a rope_type of ${Object.keys(scalingKeys).join(", ")}`, value);
  const known = [...keys, "rope_type", "type", "rope_theta", ...(width === undefined ? [] : ["partial_rotary_factor"])];
  const strange = Object.keys(value).find((name) => !known.includes(name));
  if (strange !== undefined) read.refuse(key, `only ${known.join(", ")} in it`, value);
  const number = (name: string, fallback?: number): number => {
    const found = value[name] ?? fallback;
    return typeof found === "number" && found > 0 ? found : read.refuse(key, `a number > 0 as its ${name}`, value);
  };
  const original = (): number => number("original_max_position_embeddings", maxSeqLen);
  const optional = <Name extends string>(name: Name, theirs: string): { readonly [Key in Name]?: number } =>
    value[theirs] === undefined || value[theirs] === null
      ? {}
      : ({ [name]: number(theirs) } as { readonly [Key in Name]?: number });
  const scalings: Readonly<Record<string, () => RotaryScalingConfig | undefined>> = {
    default: () => undefined,
    dynamic: () => undefined,
    linear: () => ({ kind: "linear", factor: number("factor") }),
    yarn: () => ({
      ...{ kind: "yarn", factor: number("factor"), originalMaxSeqLen: original() },
      ...optional("fastTurns", "beta_fast"),
      ...optional("slowTurns", "beta_slow"),
      ...optional("magnitude", "attention_factor"),
    }),
    llama3: () => ({
      ...{ kind: "llama3", factor: number("factor"), originalMaxSeqLen: original() },
      lowFrequencyFactor: number("low_freq_factor"),
      highFrequencyFactor: number("high_freq_factor"),
    }),
  };
  return scalings[kind as string]!();
}

/** What a family says of its rotary positions beside its configuration. */
export interface RotaryTraits {
  readonly maxSeqLen: number;
  /** what an absent `rope_theta` means; default 10000 */
  readonly base?: number;
  /** channels of a head that rotate; default all */
  readonly width?: number | undefined;
}

/**
 * Rotary positions of a configuration: `rope_theta` and `rope_scaling`, or both in `rope_parameters` as newer files have them.
 *
 * @throws RangeError for a kind of scaling, or a key in it, that is not known
 */
export function readRotary(read: ConfigReader, traits: RotaryTraits): RotaryConfig {
  const { base = 10000, width } = traits;
  const key = read.get("rope_parameters") === undefined ? "rope_scaling" : "rope_parameters";
  const value = read.get(key) ?? null;
  if (value !== null && !isObject(value)) return read.refuse(key, "null or an object", value);
  const theta = read.number("rope_theta", base, 1);
  const inside = value?.["rope_theta"];
  const scaling = value ? readScaling(read, key, value, traits) : undefined;
  return {
    base: typeof inside === "number" ? inside : theta,
    ...(width !== undefined && { width }),
    ...(scaling && { scaling }),
  };
}

/** The two keys of a configuration that describe rotary positions. */
export function writeRotary({ base = 10000, scaling }: RotaryConfig): JsonObject {
  return { rope_scaling: scaling ? writeScaling(scaling) : null, rope_theta: base };
}

function writeScaling(scaling: RotaryScalingConfig): JsonObject {
  const { kind, factor } = scaling;
  const shared = { factor, rope_type: kind };
  if (scaling.kind === "linear") return shared;
  const longer = { ...shared, original_max_position_embeddings: scaling.originalMaxSeqLen };
  if (scaling.kind === "llama3")
    return { ...longer, high_freq_factor: scaling.highFrequencyFactor, low_freq_factor: scaling.lowFrequencyFactor };
  return {
    ...longer,
    ...(scaling.magnitude !== undefined && { attention_factor: scaling.magnitude }),
    ...(scaling.fastTurns !== undefined && { beta_fast: scaling.fastTurns }),
    ...(scaling.slowTurns !== undefined && { beta_slow: scaling.slowTurns }),
  };
}

/** What a family says of rotary positions that turn a share of a head's channels. */
export interface PartialRotaryTraits {
  readonly maxSeqLen: number;
  readonly dHead: number;
  /** what an absent key means */
  readonly share: number;
  /** older names of `partial_rotary_factor` and `rope_theta`, where the family had others */
  readonly older?: { readonly share: string; readonly base: string };
}

/**
 * As `readRotary`, where only a share of a head's channels rotates: `partial_rotary_factor`.
 *
 * @throws RangeError also where two names of one thing disagree
 */
export function readPartialRotary(
  read: ConfigReader,
  { maxSeqLen, dHead, share, older }: PartialRotaryTraits,
): RotaryConfig {
  const parameters = read.get("rope_parameters");
  const inside = isObject(parameters) ? parameters["partial_rotary_factor"] : undefined;
  const agreed = (name: string, old: string | undefined, fallback: number, low: number, high?: number): number => {
    const value = old === undefined ? fallback : read.number(old, fallback, low, high);
    const newer = read.number(name, value, low, high);
    if (old !== undefined && read.get(old) !== undefined && newer !== value)
      read.refuse(old, `what ${name} says, ${newer}`, value);
    return newer;
  };
  const outside = agreed("partial_rotary_factor", older?.share, share, 0, 1.0001);
  const base = agreed("rope_theta", older?.base, 10000, 1);
  const found = typeof inside === "number" ? inside : outside;
  return readRotary(read, { maxSeqLen, base, width: Math.floor(dHead * found) });
}

/** The share of a head's channels that rotates, such that the whole part of share times width is theirs again. */
export function rotaryShare({ width }: RotaryConfig, dHead: number): number {
  if (width === undefined) return 1;
  const share = width / dHead;
  return Math.floor(dHead * share) === width ? share : (width + 1e-6) / dHead;
}
