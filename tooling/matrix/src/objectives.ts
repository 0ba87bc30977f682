import type { Mask } from "@heed/attention";
import { createLinear, type Initializer } from "@heed/nn";
import { causalLM, stackExamples } from "@heed/objectives";
import { fromArray, type Rng, type Tensor } from "@heed/tensor";
import { sizes, type TinyModel } from "./tiny-model.ts";

/** An objective as the matrix trains it. */
export interface MatrixObjective {
  /** who sees whom, for people */
  readonly mask: string;
  /** Its heads, and one batch of its examples. */
  readonly start: (
    weight: Initializer,
    rng: Rng,
  ) => {
    /** what holds the weights of the heads */
    readonly heads: object;
    readonly loss: (model: TinyModel, rng: Rng) => Tensor;
  };
}

const [B, T] = [2, 8];

/** Sentences of a tiny language: counting up by a step that differs from row to row. */
export const sentence = (length: number, row: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => 2 + ((3 * row + i * (1 + (row % 3))) % (sizes.vocabSize - 2)));

const head = (weight: Initializer, dOut: number) => createLinear({ dIn: sizes.dModel, dOut, weight });

const tokensOf = (inputs: Int32Array): Tensor => fromArray(inputs, [B, inputs.length / B]);

/** Token objectives whose model reads `inputs` and says something about the vocabulary at every place. */
function onVocabulary(
  mask: string,
  make: () => {
    readonly mask: Mask;
    prepare(tokens: Int32Array, rng: Rng): { readonly inputs: Int32Array };
    loss(logits: Tensor, example: never): Tensor;
  },
  length: number,
): MatrixObjective {
  return {
    mask,
    start(weight, rng) {
      const objective = make();
      const output = head(weight, sizes.vocabSize);
      const examples = Array.from({ length: B }, (_, b) => objective.prepare(sentence(length, b), rng));
      const example = stackExamples(examples as never) as { readonly inputs: Int32Array };
      return {
        heads: { output },
        loss: (model, noise) =>
          objective.loss(
            output.forward(model.encode(model.embed(tokensOf(example.inputs)), objective.mask, noise)),
            example as never,
          ),
      };
    },
  };
}

export const matrixObjectives: Readonly<Record<string, MatrixObjective>> = {
  "causal LM": onVocabulary("causal", () => causalLM(), T + 1),
};
