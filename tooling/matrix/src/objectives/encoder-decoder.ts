import { createMultiHeadAttention, softmaxAttention } from "@heed/attention";
import { denoising, type EncoderDecoderObjective, seq2seq, spanCorruption, textInfilling } from "@heed/objectives";
import { add, arange } from "@heed/tensor";
import { batchOf, head, type MatrixObjective, maskOf, rowsOf, sentence, special } from "../batch.ts";
import { sizes } from "../tiny-model.ts";

const layout = { ...special, sourceLength: 10, targetLength: 10 };

/** Encoder and decoder share the block under test; the decoder looks at the encoder through a layer of its own. */
function onBoth<Source>(objective: EncoderDecoderObjective<Source>, source: (row: number) => Source): MatrixObjective {
  return {
    mask: "full, padding hidden; decoder causal",
    needsLater: true,
    hidesLater: true,
    start(weight, rng) {
      const output = head(weight, sizes.vocabSize);
      const { dModel, numHeads } = sizes;
      const cross = createMultiHeadAttention({ dModel, numHeads, weight, attention: softmaxAttention() });
      const example = batchOf(objective, source, rng);
      return {
        heads: { output, cross },
        loss(model, noise) {
          const mask = maskOf(objective, example);
          const context = model.encode(model.embed(rowsOf(example.inputs)), mask, noise);
          const states = model.encode(model.embed(rowsOf(example.decoderInputs)), objective.decoderMask, noise);
          const [queries, keys] = [states, context].map((x) => arange(0, x.shape[1]!, { backend: x.backend }));
          const seen = cross.forward(states, { context, mask: mask(queries!, keys!) });
          return objective.loss(output.forward(add(states, seen)), example);
        },
      };
    },
  };
}

/** Objectives of models with an encoder and a decoder. */
export const encoderDecoderObjectives: Readonly<Record<string, MatrixObjective>> = {
  "span corruption": onBoth(
    spanCorruption({ vocabSize: sizes.vocabSize, numSentinels: 4, maskRate: 0.3, meanSpan: 2 }),
    (row) => sentence(10, row),
  ),
  denoising: onBoth(denoising({ ...layout, noises: [textInfilling({ maskId: special.maskId })] }), (row) =>
    sentence(8, row),
  ),
  "sequence to sequence": onBoth(seq2seq({ ...layout, labelSmoothing: 0.1 }), (row) => ({
    source: sentence(7, row),
    target: sentence(6, row + 1),
  })),
};
