import { crossEntropy, data, fromArray, slice, type Tensor } from "@heed/tensor";
import { badInput } from "../errors.ts";
import type { GoldenArray, GoldenCase } from "./golden.ts";

/** An int32 tensor of a fixture's array. */
export const int32 = ({ shape, values }: GoldenArray): Tensor =>
  fromArray(Int32Array.from(values), shape, { dtype: "int32" });

/** A float32 tensor of a fixture's array. */
export const float32 = ({ shape, values }: GoldenArray): Tensor =>
  fromArray(Float32Array.from(values), shape, { dtype: "float32" });

/** The values of a tensor as a fixture has them. */
export async function read(x: Tensor): Promise<GoldenArray> {
  return { shape: x.shape, values: await data(x) };
}

/** The values of several tensors. */
export async function readAll(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, GoldenArray>> {
  const found = new Map<string, GoldenArray>();
  for (const [name, tensor] of tensors) found.set(name, await read(tensor));
  return found;
}

/** The next-token loss of Hugging Face's causal models: labels are the inputs, shifted here; -100 is ignored. */
export function shiftedLoss(logits: Tensor, labels: Tensor): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  return crossEntropy(slice(logits, [0, 0, 0], [B, T - 1, V]), slice(labels, [0, 1], [B, T - 1]), {
    ignoreIndex: -100,
  });
}

/** @throws CliError if an input of the case is absent, or has a token that the model does not */
export function tokensOf(vocabSize: number, { name, inputs }: GoldenCase, input = "input_ids"): Tensor {
  const array = inputs.get(input);
  if (!array) throw badInput(`verify: case ${name} has no ${input}, expected token ids. The fixture is damaged`);
  const outside = Array.from(array.values).find((id) => !(id >= 0 && id < vocabSize));
  if (outside === undefined) return int32(array);
  throw badInput(
    `verify: ${input} of case ${name} has token ${outside}, expected ids in 0..${vocabSize - 1} (vocab_size of config.json). The fixture belongs to another model`,
  );
}

/** What a call names beyond what is known, as a sentence; undefined if nothing. */
export function unknownNames(what: string, names: Iterable<string>, known: readonly string[]): string | undefined {
  const strange = [...names].filter((name) => !known.includes(name));
  return strange.length === 0 ? undefined : `${what} ${strange.join(", ")} not supported, expected ${known.join(", ")}`;
}

/** The options of a call. */
export const optionsOf = ({ call }: GoldenCase): Readonly<Record<string, unknown>> =>
  (call["options"] ?? {}) as Readonly<Record<string, unknown>>;
