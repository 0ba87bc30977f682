import { expect, test } from "vitest";
import { expectFits, trainingBytes } from "../src/train/memory.ts";
import { chooseSettings, trainPresets } from "../src/train/settings.ts";

const small = { vocabSize: 65, maxSeqLen: 64, dModel: 128, numLayers: 4, numHeads: 4, bias: false };

test("parameters are counted exactly, without memory", () => {
  expect(trainingBytes(small, 12).parameters).toBe(804_096);
  const huge = { ...small, numLayers: 1000, dModel: 65536, numHeads: 1 };
  // 12 d^2 a block, and what is left is thin: the closed form of a GPT without biases.
  const d = 65536;
  expect(trainingBytes(huge, 1).parameters).toBe(1000 * (12 * d * d + 2 * d) + d * (65 + 64) + d);
});

test("every preset fits with its own batches", () => {
  for (const preset of Object.values(trainPresets)) {
    const { layers, heads, width, context, batch, dropout } = chooseSettings({}, preset);
    const sizes = { numLayers: layers, numHeads: heads, dModel: width, maxSeqLen: context, attentionDropout: dropout };
    expectFits({ vocabSize: 256, ...sizes }, batch);
  }
});

test("what cannot fit is refused before anything is allocated", () => {
  expectFits(small, 12);
  expect(() => expectFits(small, 65536)).toThrowErrorMatchingInlineSnapshot(
    `[CliError: train: the model is too large, expected at most 4 GiB (what WebAssembly can address), got about 130 GiB for 804,096 parameters and --batch 65536 of --context 64. Lower --batch (--accumulate makes up for it), --context, --width or --layers]`,
  );
  expect(() => expectFits({ ...small, dModel: 16384 }, 1)).toThrow("expected at most 4 GiB");
});
