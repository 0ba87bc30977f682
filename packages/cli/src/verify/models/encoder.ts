import { type EncoderModel, type ForwardObserver, isEncoderModel, type Pretrained } from "@heed/models";
import { add, cast, crossEntropy, multiply, reshape, slice, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, tokensOf } from "../support.ts";

/** What a class makes of what its encoder and heads found. */
export interface Reading {
  /** states [B, T, E] and what each head found, under its name */
  readonly found: Readonly<Record<string, Tensor>>;
  readonly golden: GoldenCase;
  readonly pretrained: Pretrained;
  readonly watch: Watch;
}

/** How the outputs of a class are named, and what its loss is. */
export interface EncoderClass {
  /** names of inputs beside those that every encoder reads */
  readonly inputs: readonly string[];
  /** Notes the outputs; returns the loss where the case has labels. */
  read(reading: Reading): Tensor | undefined;
}

const encoderInputs = ["input_ids", "attention_mask", "token_type_ids", "position_ids"];

/** The encoder of a pretrained model. */
function encoderOf({ model, modelType }: Pretrained): EncoderModel {
  if (isEncoderModel(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no encoder with heads, expected one for this case`);
}

/** Several texts to choose from stand in rows of their own: [B, C, T] -> [B C, T]. */
function joinRows(x: Tensor): Tensor {
  return x.shape.length === 3 ? reshape(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!]) : x;
}

/** An attention mask [B, T] says which tokens are real, one [B, T, S] who sees whom. */
function maskOf(mask: GoldenArray | undefined, isChoice: boolean): object {
  if (!mask) return {};
  const keep = cast(int32(mask), "bool");
  if (keep.shape.length === 2 || isChoice) return { padding: joinRows(keep) };
  const [B, T, S] = keep.shape as [number, number, number];
  return { mask: () => reshape(keep, [B, 1, T, S]) };
}

/** Watches hidden states, and attentions where the case has them. */
/** Where groups of layers share weights, the originals note the states behind each group only. */
function layersPerState({ config }: Pretrained): number {
  return ("sharing" in config ? config.sharing?.layersPerGroup : undefined) ?? 1;
}

/** Watches states, each `step`-th, and attentions where the case has them, under its names. */
export function observerOf({ outputs }: GoldenCase, watch: Watch, step = 1): ForwardObserver {
  const watchesAttention = [...outputs.keys()].some((name) => name.startsWith("attentions."));
  return {
    hiddenState: (index, x) => void (index % step === 0 && watch(`hidden_states.${index / step}`, x)),
    ...(watchesAttention && { attention: (layer: number, { probs }) => watch(`attentions.${layer}`, probs) }),
  };
}

/** The forward pass of an encoder with its heads, as a class of Hugging Face's names its outputs. */
export function encoderForward({ inputs: more, read }: EncoderClass): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const model = encoderOf(pretrained);
    const given = (name: string): Tensor | undefined => {
      const array = golden.inputs.get(name);
      return array && joinRows(int32(array));
    };
    const tokens = tokensOf(model.vocabSize, golden);
    const found = model.forward(joinRows(tokens), {
      ...maskOf(golden.inputs.get("attention_mask"), tokens.shape.length === 3),
      segments: given("token_type_ids"),
      // Where positions are distances, the originals count tokens whatever the call says.
      positions: model.encoder.embedding.position && given("position_ids"),
      observe: observerOf(golden, watch, layersPerState(pretrained)),
    });
    return read({ found, golden, pretrained, watch });
  };
  return forwardRunner({ inputs: [...encoderInputs, ...more], compute });
}

/** What a head found. @throws CliError if the model has none of that name */
export function headOf({ found, pretrained }: Reading, name: string): Tensor {
  const output = found[name];
  if (output) return output;
  throw badInput(
    `verify: model_type ${pretrained.modelType} has no head ${name}, expected one for this case, got ${Object.keys(found).join(", ")}`,
  );
}

/** A head's scores as `output`, and their cross-entropy with `labels`; -100 is ignored. */
export function labelled(head: string, output = "logits", labels = "labels") {
  return (reading: Reading): Tensor | undefined => {
    const logits = headOf(reading, head);
    reading.watch(output, logits);
    const targets = reading.golden.inputs.get(labels);
    return targets && crossEntropy(logits, int32(targets), { ignoreIndex: -100 });
  };
}

/** One of the two columns of [B, T, 2]. */
export function columnOf(x: Tensor, column: number): Tensor {
  const [B, T] = x.shape as [number, number];
  return reshape(slice(x, [0, 0, column], [B, T, 1]), [B, T]);
}

/** Places of answers; those before the text count as its first, those behind it are ignored. */
function placesOf({ values }: GoldenArray, T: number): Tensor {
  const places = Int32Array.from(values, (place) => Math.min(Math.max(place, 0), T));
  return int32({ shape: [places.length], values: places });
}

/** Where an answer begins and ends: the mean of the cross-entropies of the two. */
export function readSpan(reading: Reading): Tensor | undefined {
  const { golden, watch } = reading;
  const scores = headOf(reading, "span");
  const T = scores.shape[1]!;
  const losses = ["start", "end"].map((name, column) => {
    const logits = columnOf(scores, column);
    watch(`${name}_logits`, logits);
    const places = golden.inputs.get(`${name}_positions`);
    return places && crossEntropy(logits, placesOf(places, T), { ignoreIndex: T });
  });
  const [start, end] = losses;
  return start && end && multiply(add(start, end), 0.5);
}
