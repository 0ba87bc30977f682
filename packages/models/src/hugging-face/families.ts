import type { JsonObject } from "@heed/checkpoints";
import { albertFamily } from "./albert.ts";
import { bartFamily, mbartFamily, pegasusFamily } from "./bart.ts";
import { bertFamily } from "./bert.ts";
import { bloomFamily } from "./bloom.ts";
import { clipFamily } from "./clip.ts";
import { clipTextFamily, clipVisionFamily } from "./clip-towers.ts";
import { deitFamily } from "./deit.ts";
import { distilbertFamily } from "./distilbert.ts";
import { electraFamily } from "./electra.ts";
import { falconFamily } from "./falcon.ts";
import type { ModelFamily } from "./family.ts";
import { gemmaFamily } from "./gemma.ts";
import { gptNeoFamily } from "./gpt-neo.ts";
import { gptNeoxFamily } from "./gpt-neox.ts";
import { gpt2Family } from "./gpt2.ts";
import { gptjFamily } from "./gptj.ts";
import { imageGptFamily } from "./imagegpt.ts";
import { llamaFamily, mistralFamily } from "./llama.ts";
import { marianFamily } from "./marian.ts";
import { mptFamily } from "./mpt.ts";
import { openaiGptFamily } from "./openai-gpt.ts";
import { optFamily } from "./opt.ts";
import { phiFamily } from "./phi.ts";
import { qwen2Family, qwen3Family } from "./qwen.ts";
import { camembertFamily, robertaFamily, xlmRobertaFamily } from "./roberta.ts";
import { mt5Family, t5Family } from "./t5.ts";
import { vitFamily } from "./vit.ts";
import { vitMaeFamily } from "./vit-mae.ts";
import { xlnetFamily } from "./xlnet.ts";

/** Model families by `model_type`. */
export const families = {
  albert: albertFamily,
  bart: bartFamily,
  bert: bertFamily,
  bloom: bloomFamily,
  camembert: camembertFamily,
  clip: clipFamily,
  clip_text_model: clipTextFamily,
  clip_vision_model: clipVisionFamily,
  deit: deitFamily,
  distilbert: distilbertFamily,
  electra: electraFamily,
  falcon: falconFamily,
  gemma: gemmaFamily,
  gpt2: gpt2Family,
  gpt_neo: gptNeoFamily,
  gpt_neox: gptNeoxFamily,
  gptj: gptjFamily,
  imagegpt: imageGptFamily,
  llama: llamaFamily,
  marian: marianFamily,
  mbart: mbartFamily,
  mistral: mistralFamily,
  mpt: mptFamily,
  mt5: mt5Family,
  "openai-gpt": openaiGptFamily,
  opt: optFamily,
  pegasus: pegasusFamily,
  phi: phiFamily,
  qwen2: qwen2Family,
  qwen3: qwen3Family,
  roberta: robertaFamily,
  t5: t5Family,
  vit: vitFamily,
  vit_mae: vitMaeFamily,
  "xlm-roberta": xlmRobertaFamily,
  xlnet: xlnetFamily,
} as const;

/** `model_type` of a family that can be loaded and saved. */
export type ModelType = keyof typeof families;

/** Configuration of a model of a family. */
export type ConfigOf<Type extends ModelType> = ReturnType<(typeof families)[Type]["readConfig"]>;

/** What a family builds. */
export type ModelOf<Type extends ModelType> = ReturnType<(typeof families)[Type]["build"]>;

/** A family, whichever. */
export type AnyFamily = ModelFamily<ConfigOf<ModelType>, ModelOf<ModelType>>;

/** @throws RangeError listing the known types, if this one is not among them; or if it is not the one that is wanted */
export function modelTypeOf(json: JsonObject, wanted?: ModelType): ModelType {
  const name = json["model_type"];
  const isKnown = typeof name === "string" && Object.hasOwn(families, name);
  if (isKnown && (wanted === undefined || name === wanted)) return name as ModelType;
  throw new RangeError(
    isKnown
      ? `loadPretrained: config.json has model_type ${name}, expected ${wanted} (from options.modelType). Name another folder`
      : `loadPretrained: config.json has an unknown model_type, expected one of ${Object.keys(families).sort().join(", ")}, got ${JSON.stringify(name)}`,
  );
}

/**
 * The class to build: the one asked for, else the first that config.json names, else the family's first.
 *
 * @throws RangeError if the family does not know it
 */
export function architectureOf(
  { modelType, architectures }: Pick<AnyFamily, "modelType" | "architectures">,
  json: JsonObject,
  wanted: string | undefined,
): string {
  const named = json["architectures"];
  const list = Array.isArray(named) ? named.map(String) : [];
  if (wanted === undefined && list.length === 0) return architectures[0]!;
  const found = architectures.find((known) => (wanted === undefined ? list.includes(known) : known === wanted));
  if (found !== undefined) return found;
  throw new RangeError(
    wanted === undefined
      ? `loadPretrained: config.json has an unsupported architectures for ${modelType}, expected one of ${architectures.join(", ")}, got ${JSON.stringify(named)}`
      : `loadPretrained: architecture is unknown for ${modelType}, expected one of ${architectures.join(", ")}, got ${wanted}`,
  );
}
