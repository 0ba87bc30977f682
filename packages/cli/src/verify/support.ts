import { namedWeights, type Pretrained } from "@heed/models";
import { crossEntropy, data, fromArray, permute, slice, type Tensor } from "@heed/tensor";
import { badInput } from "../errors.ts";
import type { GoldenArray, GoldenCase } from "./golden.ts";

/** An int32 tensor of a fixture's array. */
export const int32 = ({ shape, values }: GoldenArray): Tensor =>
  fromArray(Int32Array.from(values), shape, { dtype: "int32" });

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

/** A weight by its name in the fixture, with how to bring it or its gradient into the layout of the file. */
export interface NamedWeight {
  readonly tensor: Tensor;
  asStored(x: Tensor): Tensor;
}

/** The weights of a model by their Hugging Face names. */
export function weightsOf(pretrained: Pretrained): Map<string, NamedWeight> {
  const named = [...namedWeights(pretrained)];
  return new Map(
    named.map(([name, { tensor, transposed }]) => [
      name,
      { tensor, asStored: (x: Tensor) => (transposed ? permute(x, [1, 0]) : x) },
    ]),
  );
}

/** @throws CliError if the case has a token that the model does not */
export function expectTokens({ model }: Pretrained, { name, inputs }: GoldenCase): void {
  const { values } = inputs.get("input_ids")!;
  const outside = Array.from(values).find((id) => !(id >= 0 && id < model.vocabSize));
  if (outside === undefined) return;
  throw badInput(
    `verify: input_ids of case ${name} has token ${outside}, expected ids in 0..${model.vocabSize - 1} (vocab_size of config.json). The fixture belongs to another model`,
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
