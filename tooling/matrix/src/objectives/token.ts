import { full } from "@heed/attention";
import type { Initializer } from "@heed/nn";
import {
  bidirectionalLM,
  causalLM,
  distillation,
  maskedLM,
  nextPixel,
  type Objective,
  permutationLM,
  prefixLM,
  replacedTokenDetection,
} from "@heed/objectives";
import { broadcast, normal, type Rng, reshape, type Tensor } from "@heed/tensor";
import { B, batchOf, head, type MatrixObjective, maskOf, rowsOf, sentence, special } from "../batch.ts";
import { sizes } from "../tiny-model.ts";

const T = 8;
const masked = { vocabSize: sizes.vocabSize, maskId: special.maskId, specialIds: [0, 1, 2], maskRate: 0.3 };

type Facts = Pick<MatrixObjective, "mask" | "needsLater" | "hidesLater">;

const causalFacts: Facts = { mask: "causal", needsLater: false, hidesLater: true };
const fullFacts: Facts = { mask: "full", needsLater: true, hidesLater: false };

/** The model reads `inputs` and says something about the vocabulary at every place. */
function onVocabulary<E extends { readonly inputs: Int32Array }>(
  facts: Facts,
  make: () => Objective<Int32Array, E>,
  length: number,
): MatrixObjective {
  return {
    ...facts,
    start(weight, rng) {
      const objective = make();
      const output = head(weight, sizes.vocabSize);
      const example = batchOf(objective as never, (row) => sentence(length, row), rng) as E;
      return {
        heads: { output },
        loss: (model, noise) => {
          const states = model.encode(model.embed(rowsOf(example.inputs)), maskOf(objective, example), noise);
          return objective.loss(output.forward(states), example);
        },
      };
    },
  };
}

/** Two directions with their own heads; the block is shared. */
const bidirectional: MatrixObjective = {
  mask: "causal, once in each direction",
  needsLater: true,
  hidesLater: true,
  start(weight, rng) {
    const objective = bidirectionalLM();
    const [forward, backward] = [head(weight, sizes.vocabSize), head(weight, sizes.vocabSize)];
    const example = batchOf(objective, (row) => sentence(T, row), rng);
    return {
      heads: { forward, backward },
      loss(model, noise) {
        const x = model.embed(rowsOf(example.inputs));
        const logits = {
          forward: forward.forward(model.encode(x, objective.mask, noise)),
          backward: backward.forward(model.encode(x, objective.backwardMask, noise)),
        };
        return objective.loss(logits, example);
      },
    };
  },
};

/** The query stream begins from one learned vector and its positions, and looks at the content of earlier turns. */
const permutation: MatrixObjective = {
  mask: "earlier turns of a random order",
  needsLater: true,
  hidesLater: true,
  start(weight: Initializer, rng: Rng) {
    const objective = permutationLM({ targetRate: 0.5 });
    const output = head(weight, sizes.vocabSize);
    const example = batchOf(objective, (row) => sentence(T, row), rng);
    const unknown = rowsOf(new Int32Array(B * T).fill(special.maskId));
    return {
      heads: { output },
      loss(model, noise) {
        const content = model.embed(rowsOf(example.inputs));
        const states = model.encode(model.embed(unknown), objective.queryMaskFor(example), noise, { content });
        return objective.loss(output.forward(states), example);
      },
    };
  },
};

/** What the generator said is drawn once, so that the losses of the steps can be compared. */
const replaced: MatrixObjective = {
  ...fullFacts,
  start(weight, rng) {
    const objective = replacedTokenDetection(masked);
    const [generator, discriminator] = [head(weight, sizes.vocabSize), head(weight, 1)];
    const plain = batchOf(objective, (row) => sentence(T, row), rng);
    const example = objective.replace(plain, new Float32Array(B * T * sizes.vocabSize), rng);
    return {
      heads: { generator, discriminator },
      loss(model, noise) {
        const read = (ids: Int32Array): Tensor => model.encode(model.embed(rowsOf(ids)), full(), noise);
        const scores = discriminator.forward(read(example.discriminatorInputs));
        const logits = { generator: generator.forward(read(example.inputs)), discriminator: reshape(scores, [B, T]) };
        return objective.loss(logits, example);
      },
    };
  },
};

/** A teacher that has an opinion of its own about every place. */
const distilled: MatrixObjective = {
  ...causalFacts,
  start(weight, rng) {
    const objective = distillation({ objective: causalLM() });
    const output = head(weight, sizes.vocabSize);
    const example = batchOf(objective as never, (row) => sentence(T + 1, row), rng) as ReturnType<
      typeof objective.prepare
    >;
    const teacher = normal([B, T, sizes.vocabSize], { rng });
    return {
      heads: { output },
      loss: (model, noise) => {
        const states = model.encode(model.embed(rowsOf(example.inputs)), objective.mask, noise);
        return objective.loss({ student: output.forward(states), teacher: broadcast(teacher, teacher.shape) }, example);
      },
    };
  },
};

/** Objectives on rows of tokens. */
export const tokenObjectives: Readonly<Record<string, MatrixObjective>> = {
  "causal LM": onVocabulary(causalFacts, () => causalLM(), T + 1),
  "masked LM": onVocabulary(fullFacts, () => maskedLM(masked), T),
  "prefix LM": onVocabulary(
    { mask: "all of the prefix, then causal", needsLater: true, hidesLater: true },
    () => prefixLM(),
    T + 1,
  ),
  "bidirectional LM": bidirectional,
  "permutation LM": permutation,
  "replaced tokens": replaced,
  distillation: distilled,
  "next pixel": onVocabulary(causalFacts, () => nextPixel({ startId: 12 }), T),
};
