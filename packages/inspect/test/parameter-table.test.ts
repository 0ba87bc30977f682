import { gpt2, gpt2Presets } from "@heed/models";
import { countBuffers, createMetaBackend, rng, withBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { parameterTable } from "../src/index.ts";

const tableOf = (config: Parameters<typeof gpt2>[0]) =>
  withBackend(createMetaBackend(), () => parameterTable(gpt2(config, null)));
const total = (rows: ReturnType<typeof tableOf>): number => rows.reduce((sum, { parameters }) => sum + parameters, 0);

test("published sizes add up, without memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  expect(total(tableOf(gpt2Presets.gpt2))).toBe(124_439_808);
  expect(total(tableOf(gpt2Presets["gpt2-xl"]))).toBe(1_557_611_200);
  // gpt2-xl has 6.2 GB of weights.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
});

test("every weight has its name, shape and bytes; a tied head does not stand twice", () => {
  const config = { vocabSize: 5, maxSeqLen: 3, dModel: 4, numLayers: 1, numHeads: 2, bias: false };
  const rows = tableOf(config);
  expect(rows.map(({ name, shape }) => `${name} ${shape.join("x")}`)).toEqual([
    "stack.embedding.tokens.weight 5x4",
    "stack.embedding.position.table 3x4",
    "stack.blocks.0.norm1.gain 4",
    "stack.blocks.0.attention.projection.qkv.weight 12x4",
    "stack.blocks.0.attention.output.weight 4x4",
    "stack.blocks.0.norm2.gain 4",
    "stack.blocks.0.feedForward.expand.weight 16x4",
    "stack.blocks.0.feedForward.contract.weight 4x16",
    "stack.norm.gain 4",
  ]);
  for (const { shape, parameters, bytes } of rows) {
    expect(parameters).toBe(shape.reduce((size, axis) => size * axis, 1));
    expect(bytes).toBe(4 * parameters);
  }
  expect(total(tableOf({ ...config, tieHead: false })) - total(rows)).toBe(5 * 4);
});

test("a model that is loaded counts the same", () => {
  const config = { vocabSize: 5, maxSeqLen: 3, dModel: 4, numLayers: 2, numHeads: 2 };
  const before = { ...countBuffers() };
  const rows = parameterTable(gpt2(config, rng(0)));
  expect(rows).toEqual(tableOf(config));
  expect(countBuffers().buffers).toBeGreaterThan(before.buffers);
});
