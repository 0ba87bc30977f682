// Losses that Hugging Face's models computed from the logits they recorded.
import { fromArray, item, referenceBackend, type Tensor, useBackend } from "@heed/tensor";
import { type GoldenArray, type GoldenCase, golden } from "@heed/test-tools";
import { describe, expect, test } from "vitest";
import { answerSpan, regression, sequenceClassification, tokenClassification } from "../src/index.ts";

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
