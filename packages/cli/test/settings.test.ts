import { gpt2Presets } from "@heed/models";
import { expect, test } from "vitest";
import {
  chooseSettings,
  continueSettings,
  readSettings,
  settingsDifference,
  type TrainSettings,
  trainPresets,
} from "../src/train/settings.ts";

const saved = (given: Parameters<typeof chooseSettings>[0] = {}): TrainSettings => ({
  ...chooseSettings(given),
  files: ["/a.txt"],
  textChecksum: "00000000",
});

test("options go over a preset, a preset over the defaults", () => {
  expect(chooseSettings({ layers: 2 }, { layers: 3, heads: 3, width: 12 })).toMatchObject({
    ...{ layers: 2, heads: 3, width: 12, context: 64, lr: 1e-3 },
  });
});

test("the last learning rate and the warm-up follow from what is given", () => {
  expect(chooseSettings({ lr: 0.5 }).minLr).toBe(0.05);
  expect(chooseSettings({}).warmup).toBe(100);
  expect(chooseSettings({ steps: 200 }).warmup).toBe(10);
  expect(chooseSettings({ steps: 5 }).warmup).toBe(0);
  expect(chooseSettings({ steps: 60 }, trainPresets["nanogpt-cpu"]).warmup).toBe(3);
  expect(chooseSettings({ steps: 60, warmup: 60 }).warmup).toBe(60);
});

test("presets are the models of the same name", () => {
  for (const name of ["nanogpt-cpu", "nanogpt-baby"] as const) {
    const { layers, heads, width, context, activation, bias, dropout } = chooseSettings({}, trainPresets[name]);
    const model = gpt2Presets[name];
    const { numLayers, numHeads, dModel, maxSeqLen } = model;
    expect({ layers, heads, width, context, activation, bias }).toEqual({
      ...{ layers: numLayers, heads: numHeads, width: dModel, context: maxSeqLen },
      ...{ activation: model.activation, bias: model.bias },
    });
    expect(dropout).toBe("embeddingDropout" in model ? model.embeddingDropout : 0);
  }
});

test("what only the combination decides is refused by name", () => {
  expect(() => chooseSettings({ width: 30, heads: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: --width is not divisible by the heads, expected a multiple of 4 (--heads), got 30. Try --width 32]`,
  );
  expect(() => chooseSettings({ minLr: 0.1 })).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: --min-lr is too large, expected at most 0.001 (--lr), got 0.1. Give a smaller one]`,
  );
  expect(() => chooseSettings({ warmup: 9, steps: 8 })).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: --warmup is too long, expected at most 8 (--steps), got 9. Shorten it]`,
  );
});

test("a run continues with its own settings, and with another pace if asked for", () => {
  const run = saved({ lr: 0.01, steps: 50 });
  expect(continueSettings(run, {})).toEqual(run);
  expect(continueSettings(run, { lr: 0.01, width: 128 })).toEqual(run);
  expect(continueSettings(run, { saveEvery: 7, evalEvery: 3 })).toEqual({ ...run, saveEvery: 7, evalEvery: 3 });
});

test("a run refuses every other setting by name", () => {
  const run = saved({ lr: 0.01 });
  expect(() => continueSettings(run, { lr: 0.02, tokenizer: "byte" })).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: --resume continues a run with the settings it was started with, expected the same or none, got --lr 0.02 (the run has 0.01), --tokenizer byte (the run has character). Leave these options out, or start another run with another --out]`,
  );
  expect(() => continueSettings(run, {}, trainPresets["nanogpt-baby"])).toThrow(
    /--layers 6 \(the run has 4\).*--dropout 0.2 \(the run has 0\)/,
  );
  expect(continueSettings(saved(), {}, trainPresets["nanogpt-cpu"])).toEqual(saved());
});

test("settings of another run are told apart, another pace is not", () => {
  expect(settingsDifference({ ...saved(), saveEvery: 1 }, saved())).toBe("");
  expect(settingsDifference({ ...saved(), width: 64, files: ["/b.txt"] }, saved())).toMatchInlineSnapshot(
    `"width 64, expected 128; files ["/b.txt"], expected ["/a.txt"]"`,
  );
});

test("saved settings that are not settings are refused", () => {
  const { width: _, ...without } = saved();
  expect(readSettings({ ...saved() }, "x.json")).toEqual(saved());
  expect(() => readSettings(without, "x.json")).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: x.json has the setting width undefined, expected a number. It was not written by this version: start another run]`,
  );
  expect(() => readSettings({ ...saved(), files: "a" }, "x.json")).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: x.json has the setting files "a", expected a list. It was not written by this version: start another run]`,
  );
});
