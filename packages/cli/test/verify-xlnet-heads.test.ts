import { isXlnetWithHeads, modelFromHuggingFace, type Pretrained } from "@heed/models";
import { dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import type { GoldenCase } from "../src/verify/golden.ts";
import { runnerOf } from "../src/verify/runners.ts";

beforeEach(() => void useBackend(referenceBackend()));

const tokens = [5, 6, 7, 8];
const sizes = { vocab_size: 11, d_model: 4, n_layer: 1, n_head: 2, d_inner: 6, initializer_range: 0.5 };
const pretrainedOf = (name: string): Pretrained =>
  modelFromHuggingFace({ model_type: "xlnet", architectures: [name], ...sizes }, rng(1));
const whole = (shape: number[], values: number[]) => ({ shape, values: Int32Array.from(values) });

async function run(name: string, inputs: object, outputs: string[], pretrained = pretrainedOf(name)) {
  const golden = {
    ...{ name: "forward", call: { class: name, kind: "forward" }, grads: new Map() },
    inputs: new Map(Object.entries({ input_ids: whole([1, 4], tokens), ...inputs })),
    outputs: new Map(outputs.map((output) => [output, {}])),
  } as unknown as GoldenCase;
  const runner = runnerOf(golden);
  if (typeof runner === "string") throw new TypeError(runner);
  const { outputs: found } = await runner.run(pretrained, golden);
  const values = Object.fromEntries([...found].map(([output, array]) => [output, Array.from(array.values)]));
  if (!isXlnetWithHeads(pretrained.model)) throw new TypeError("expected an XLNet with heads");
  const { states: _, ...heads } = pretrained.model.forward(fromArray(Int32Array.from(tokens), [1, 4]));
  return { values, scores: [...dataSync(Object.values(heads)[0]!)] };
}
const crossEntropy = (logits: readonly number[], label: number): number =>
  Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[label]!;

test("labels of texts", async () => {
  const name = "XLNetForSequenceClassification";
  const { values, scores } = await run(name, { labels: whole([1], [1]) }, ["logits", "loss", "hidden_states.1"]);
  expect(values["logits"]).toEqual(scores);
  expect(values["loss"]![0]).toBeCloseTo(crossEntropy(scores, 1), 5);
  expect(values["hidden_states.1"]).toHaveLength(16);
});

test("labels of tokens; -100 does not count", async () => {
  const labels = whole([1, 4], [1, -100, 0, -100]);
  const { values, scores } = await run("XLNetForTokenClassification", { labels }, ["logits", "loss"]);
  expect(values["logits"]).toEqual(scores);
  const expected = (crossEntropy(scores.slice(0, 2), 1) + crossEntropy(scores.slice(4, 6), 0)) / 2;
  expect(values["loss"]![0]).toBeCloseTo(expected, 5);
});

test("the ends of an answer", async () => {
  const inputs = { start_positions: whole([1], [1]), end_positions: whole([1], [3]) };
  const names = ["start_logits", "end_logits", "loss"];
  const { values, scores } = await run("XLNetForQuestionAnsweringSimple", inputs, names);
  const [start, end] = [0, 1].map((column) => scores.filter((_, i) => i % 2 === column));
  expect([values["start_logits"], values["end_logits"]]).toEqual([start, end]);
  expect(values["loss"]![0]).toBeCloseTo((crossEntropy(start!, 1) + crossEntropy(end!, 3)) / 2, 5);
});

test("an XLNet without such a head is refused", async () => {
  const bare = pretrainedOf("XLNetModel");
  await expect(run("XLNetForTokenClassification", {}, ["logits"], bare)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[CliError: verify: model_type xlnet is no XLNet with heads, expected one for this case]`,
  );
});
