import { type DecoderConfig, decoderModel, type Pretrained } from "@heed/models";
import { dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import type { GoldenCase } from "../src/verify/golden.ts";
import { decoderOf } from "../src/verify/models/causal-lm.ts";
import { recordedFalcon } from "../src/verify/models/falcon.ts";
import type { Runner } from "../src/verify/runners.ts";

useBackend(referenceBackend());

const config = {
  ...{ vocabSize: 7, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2, initStd: 0.5 },
  positions: { kind: "alibi", factor: 4 },
} as const satisfies DecoderConfig;

const logitsOf = (model: ReturnType<typeof decoderModel>): number[] => [
  ...dataSync(model.forward(fromArray(Int32Array.of(1, 2, 3, 4), [1, 4]), { lastOnly: true })),
];

/** Computes the logits of the model that it is given. */
const logits: Runner = {
  refuses: () => undefined,
  run: async (pretrained) => ({
    outputs: new Map([["logits", { shape: [1, 1, 7], values: logitsOf(decoderOf(pretrained)) }]]),
  }),
};

const recorded = async (change: Partial<DecoderConfig>, runtime: string): Promise<number[]> => {
  const model = decoderModel({ ...config, ...change }, rng(1));
  const pretrained = { modelType: "falcon", config, model } as unknown as Pretrained;
  const { outputs } = await recordedFalcon(logits).run(pretrained, { runtime } as GoldenCase);
  return Array.from(outputs.get("logits")!.values);
};

test("penalties count twice where the producer ran eagerly, as they did there", async () => {
  const [once, twice] = [4, 8].map((factor) =>
    logitsOf(decoderModel({ ...config, positions: { kind: "alibi", factor } }, rng(1))),
  );
  expect(await recorded({}, "PyTorch, CPU, float32, eager attention, eval mode")).toEqual(twice);
  expect(await recorded({}, "PyTorch, CPU, float32, eval mode")).toEqual(once);
  expect(await recorded({}, "")).toEqual(once);
  expect(once).not.toEqual(twice);
});

test("rotary positions are left as they are", async () => {
  const rotary = { positions: { kind: "rotary" } } as const;
  expect(await recorded(rotary, "eager attention")).toEqual(logitsOf(decoderModel({ ...config, ...rotary }, rng(1))));
});
