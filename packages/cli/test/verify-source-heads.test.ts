import { isEncoderDecoderModel, modelFromHuggingFace, type Pretrained } from "@heed/models";
import { dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import type { GoldenArray, GoldenCase } from "../src/verify/golden.ts";
import { runnerOf } from "../src/verify/runners.ts";

beforeEach(() => void useBackend(referenceBackend()));

const keys = {
  ...{ vocab_size: 11, max_position_embeddings: 9, d_model: 8, init_std: 0.4 },
  ...{ encoder_layers: 1, encoder_attention_heads: 2, encoder_ffn_dim: 12 },
  ...{ decoder_layers: 1, decoder_attention_heads: 2, decoder_ffn_dim: 12 },
};
const source = [5, 6, 7, 2, 9, 4, 3, 2];
const whole = (shape: number[], values: number[]): GoldenArray => ({ shape, values: Int32Array.from(values) });
const floats = (shape: number[], values: number[]): GoldenArray => ({ shape, values: Float32Array.from(values) });

const pretrainedOf = (name: string, numLabels: number, problem?: string): Pretrained => {
  const json = { model_type: "bart", architectures: [name], ...keys, num_labels: numLabels };
  const origin = { config: problem === undefined ? json : { ...json, problem_type: problem } };
  return { ...modelFromHuggingFace(json, rng(1)), origin } as unknown as Pretrained;
};
const caseOf = (name: string, inputs: Readonly<Record<string, GoldenArray>>, outputs: readonly string[]): GoldenCase =>
  ({
    name: "forward",
    call: { class: name, kind: "forward" },
    inputs: new Map(Object.entries({ input_ids: whole([2, 4], source), ...inputs })),
    outputs: new Map(outputs.map((output) => [output, {}])),
    grads: new Map(),
  }) as unknown as GoldenCase;
const run = async (pretrained: Pretrained, golden: GoldenCase): Promise<Record<string, number[]>> => {
  const runner = runnerOf(golden);
  if (typeof runner === "string") throw new TypeError(runner);
  const { outputs } = await runner.run(pretrained, golden);
  return Object.fromEntries([...outputs].map(([name, { values }]) => [name, Array.from(values)]));
};
/** What the model's head gives for the two texts. */
const found = ({ model }: Pretrained, head: string): number[] => {
  if (!isEncoderDecoderModel(model)) throw new TypeError("expected an encoder-decoder with heads");
  return [...dataSync(model.forward(fromArray(Int32Array.from(source), [2, 4]))[head]!)];
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const crossEntropy = (logits: readonly number[], label: number): number =>
  Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[label]!;

const name = "BartForSequenceClassification";
test.each<{ what: string; problem?: string; labels: GoldenArray; loss: (logits: number[]) => number }>([
  {
    what: "one label of three",
    labels: whole([2], [2, 0]),
    loss: (x) => mean([crossEntropy(x.slice(0, 3), 2), crossEntropy(x.slice(3), 0)]),
  },
  {
    what: "any of three labels",
    labels: floats([2, 3], [1, 0, 1, 0, 0, 1]),
    loss: (x) => mean([1, 0, 1, 0, 0, 1].map((label, i) => Math.log(1 + Math.exp(x[i]!)) - label * x[i]!)),
  },
  {
    what: "three numbers",
    problem: "regression",
    labels: floats([2, 3], [1, 0, 2, 0, -1, 1]),
    loss: (x) => mean([1, 0, 2, 0, -1, 1].map((label, i) => (label - x[i]!) ** 2)),
  },
])("labels of texts, $what: logits and loss", async ({ problem, labels, loss }) => {
  const pretrained = pretrainedOf(name, 3, problem);
  const outputs = await run(pretrained, caseOf(name, { labels }, ["logits", "loss"]));
  const logits = found(pretrained, "classes");
  expect(outputs["logits"]).toEqual(logits);
  expect(outputs["loss"]![0]).toBeCloseTo(loss(logits), 5);
});

test("one label is a number", async () => {
  const pretrained = pretrainedOf(name, 1);
  const { loss } = await run(pretrained, caseOf(name, { labels: floats([2], [0.5, -1]) }, ["loss"]));
  const [a, b] = found(pretrained, "classes");
  expect(loss![0]).toBeCloseTo(((a! - 0.5) ** 2 + (b! + 1) ** 2) / 2, 5);
});

test("the ends of answers: both logits, and the mean loss; places behind the text do not count", async () => {
  const span = "BartForQuestionAnswering";
  const pretrained = pretrainedOf(span, 2);
  const inputs = { start_positions: whole([2], [1, 3]), end_positions: whole([2], [2, 9]) };
  const outputs = await run(pretrained, caseOf(span, inputs, ["start_logits", "end_logits", "loss"]));
  const scores = found(pretrained, "span");
  const [start, end] = [0, 1].map((column) => scores.filter((_, i) => i % 2 === column));
  expect([outputs["start_logits"], outputs["end_logits"]]).toEqual([start, end]);
  const starts = mean([crossEntropy(start!.slice(0, 4), 1), crossEntropy(start!.slice(4), 3)]);
  expect(outputs["loss"]![0]).toBeCloseTo((starts + crossEntropy(end!.slice(0, 4), 2)) / 2, 5);
});

test("states of both stacks stand under their names", async () => {
  const names = ["encoder_hidden_states.0", "encoder_hidden_states.1", "encoder_last_hidden_state"];
  const wanted = [...names, "decoder_hidden_states.1", "cross_attentions.0"];
  const outputs = await run(pretrainedOf(name, 3), caseOf(name, {}, wanted));
  expect(Object.keys(outputs).sort()).toEqual(wanted.sort());
  expect(outputs["encoder_last_hidden_state"]).toEqual(outputs["encoder_hidden_states.1"]);
});

test("a model without such heads is refused", async () => {
  const bare = pretrainedOf("BartModel", 3);
  await expect(run(bare, caseOf(name, {}, ["logits"]))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[CliError: verify: model_type bart is no encoder-decoder with heads, expected one for this case]`,
  );
});
