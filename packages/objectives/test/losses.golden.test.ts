// Losses that Hugging Face's models computed from the logits they recorded.
import { fromArray, item, referenceBackend, rng, type Tensor, useBackend, zeros } from "@heed/tensor";
import { type GoldenArray, type GoldenCase, golden } from "@heed/test-tools";
import { describe, expect, test } from "vitest";
import {
  answerSpan,
  imageTextContrast,
  maskedAutoencoding,
  maskedImageModeling,
  nextPixel,
  regression,
  replacedTokenDetection,
  sequenceClassification,
  stackExamples,
  tokenClassification,
} from "../src/index.ts";

useBackend(referenceBackend());

const template = { length: 12, classId: 1, separatorId: 2, paddingId: 0 };
const tensorOf = ({ values, shape }: GoldenArray): Tensor =>
  fromArray(Float64Array.from(values as Float32Array), shape);
const intsOf = ({ values }: GoldenArray): Int32Array => Int32Array.from(values as Int32Array);
const read = { inputs: new Int32Array(0), segments: new Int32Array(0), keep: new Int32Array(0) };
const labelled = ({ inputs }: GoldenCase) => {
  const labels = intsOf(inputs["labels"]!);
  return {
    ...read,
    targets: labels.map((label) => Math.max(label, 0)),
    lossWeights: Float32Array.from(labels, (label) => (label === -100 ? 0 : 1)),
  };
};

/** [B, channels, rows, columns] as patches of 4 by 4, channels last in each. */
function patchesOf({ values, shape }: GoldenArray): Float32Array {
  const [B, C, H, W] = shape as [number, number, number, number];
  const patches: number[] = [];
  for (let b = 0; b < B; b++)
    for (let row = 0; row < H; row += 4)
      for (let column = 0; column < W; column += 4)
        for (let i = 0; i < 16 * C; i++) {
          const [y, x, c] = [row + Math.floor(i / (4 * C)), column + (Math.floor(i / C) % 4), i % C];
          patches.push(Number(values[((b * C + c) * H + y) * W + x]));
        }
  return Float32Array.from(patches);
}

const losses: Record<string, (recorded: GoldenCase) => Tensor> = {
  "bert-sequence-classification": (recorded) =>
    sequenceClassification({ ...template, numClasses: 3 }).loss(
      tensorOf(recorded.outputs["logits"]!),
      labelled(recorded),
    ),
  "bert-token-classification": (recorded) =>
    tokenClassification({ ...template, numClasses: 5 }).loss(tensorOf(recorded.outputs["logits"]!), labelled(recorded)),
  "bert-regression": ({ inputs, outputs }) =>
    regression(template).loss(tensorOf(outputs["logits"]!), {
      ...read,
      targets: Float32Array.from(inputs["labels"]!.values as Float32Array),
      lossWeights: Float32Array.of(1, 1, 1),
    }),
  "bert-question-answering": ({ inputs, outputs }) => {
    // Transformers leaves out a start or an end that lies behind the row.
    const inside = (place: number): boolean => place < 12;
    const [starts, ends] = [intsOf(inputs["start_positions"]!), intsOf(inputs["end_positions"]!)];
    const example = {
      ...read,
      starts: starts.map((place) => (inside(place) ? place : 0)),
      ends: ends.map((place) => (inside(place) ? place : 0)),
      startWeights: Float32Array.from(starts, (place) => Number(inside(place))),
      endWeights: Float32Array.from(ends, (place) => Number(inside(place))),
    };
    const logits = { start: tensorOf(outputs["start_logits"]!), end: tensorOf(outputs["end_logits"]!) };
    return answerSpan(template).loss(logits, example);
  },
  "vit-mae-pretraining": ({ inputs, outputs }) => {
    // Recorded with norm_pix_loss false; which patches are hidden was recorded too.
    const { shape, values } = outputs["mask"]!;
    const objective = maskedAutoencoding({ numPatches: shape[1]!, dPatch: 48, normalizeTargets: false });
    const pixels = patchesOf(inputs["pixel_values"]!);
    const images = [0, 1].map((i) => objective.prepare(pixels.slice(i * 768, (i + 1) * 768), rng(0)));
    const example = { ...stackExamples(images), lossWeights: Float32Array.from(values as Float32Array) };
    return objective.loss(tensorOf(outputs["logits"]!), example);
  },
  "vit-simmim": ({ inputs, outputs }) => {
    const masked = intsOf(inputs["bool_masked_pos"]!);
    const targets = patchesOf(inputs["pixel_values"]!);
    const objective = maskedImageModeling({ numRows: 4, numColumns: 4, dPatch: 48 });
    const said = fromArray(Float64Array.from(patchesOf(outputs["reconstruction"]!)), [2, 16, 48]);
    return objective.loss(said, { patches: targets, masked, targets, lossWeights: Float32Array.from(masked) });
  },
  "clip-contrastive": ({ outputs }) => {
    const [image, text] = [outputs["image_embeds"]!, outputs["text_embeds"]!];
    const dot = [...image.values.slice(0, 20)].reduce(
      (sum: number, value, i) => sum + Number(value) * Number(text.values[i]),
      0,
    );
    const logScale = fromArray(Float64Array.of(Math.log(Number(outputs["logits_per_image"]!.values[0]) / dot)), []);
    const example = { ...read, inputs: new Int32Array(36), image: new Float32Array(0) };
    return imageTextContrast(template).loss({ image: tensorOf(image), text: tensorOf(text), logScale }, example);
  },
  "electra-discriminator": ({ inputs, outputs }) => {
    // Only the discriminator was recorded: the generator predicts nothing here, and 1 in place of 50 leaves its loss alone.
    const weights = Float32Array.from(inputs["attention_mask"]!.values as Int32Array);
    const objective = replacedTokenDetection({ vocabSize: 9, maskId: 8, discriminatorWeight: 1 });
    return objective.loss(
      { generator: zeros([3, 12, 9], { dtype: "float64" }), discriminator: tensorOf(outputs["logits"]!) },
      {
        inputs: new Int32Array(36),
        targets: new Int32Array(36),
        lossWeights: new Float32Array(36),
        discriminatorInputs: new Int32Array(36),
        replaced: intsOf(inputs["labels"]!),
        discriminatorWeights: weights,
      },
    );
  },
  imagegpt: ({ inputs, outputs }) => {
    // Transformers shifts the labels here: place t is scored with the color at t + 1.
    const labels = intsOf(inputs["labels"]!);
    const example = {
      inputs: labels,
      targets: labels.map((_, i) => (i % 16 === 15 ? 0 : labels[i + 1]!)),
      lossWeights: Float32Array.from(labels, (_, i) => Number(i % 16 !== 15)),
    };
    return nextPixel({ startId: 64 }).loss(tensorOf(outputs["logits"]!), example);
  },
};

for (const [fixture, lossOf] of Object.entries(losses)) {
  const recorded = golden(fixture)?.find("forward");
  describe.skipIf(!recorded)(fixture, () => {
    test("the loss of the recorded logits is the recorded loss", () => {
      const { values, atol } = recorded!.outputs["loss"]!;
      expect(Math.abs(item(lossOf(recorded!)) - Number(values[0]))).toBeLessThanOrEqual(atol);
    });
  });
}
