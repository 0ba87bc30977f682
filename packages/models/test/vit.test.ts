import { parameters, stateDict } from "@heed/nn";
import {
  assign,
  broadcast,
  crossEntropy,
  dataSync,
  fromArray,
  gather,
  referenceBackend,
  rng,
  subtract,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { cutPatches, type VitConfig, type VitPresetName, vit, vitPresets } from "../src/index.ts";
import { countOf, descend, difference, randomImages } from "./image-values.ts";

useBackend(referenceBackend());

const classes = { tokens: "first", out: 3 } as const;
const tiny: VitConfig = {
  ...{ imageSize: 8, patchSize: 4, numChannels: 2, dModel: 16, numLayers: 2, numHeads: 4, dFF: 24, initStd: 0.2 },
  heads: { classes },
};

/** Backbones of ViT; DeiT with both its classifiers. */
const published: Record<VitPresetName, number> = {
  "vit-base-16": 85_798_656,
  "vit-large-16": 303_301_632,
  "deit-tiny-16": 5_910_800,
  "deit-small-16": 22_436_432,
  "deit-base-16": 87_338_192,
};

test.each(Object.entries(published))("%s has %i parameters", (name, count) => {
  expect(countOf((source) => vit(vitPresets[name as VitPresetName], source))).toBe(count);
});

test("the count is a formula over the choices", () => {
  const [E, F, P, C, L] = [16, 24, 4, 2, 2];
  const block = 4 * (E * E + E) + 2 * E * F + E + F + 4 * E;
  const whole = E * (P * P * C + 1) + E + 5 * E + L * block + 2 * E + 3 * (E + 1);
  expect(countOf((source) => vit(tiny, source))).toBe(whole);
  expect(countOf((source) => vit({ ...tiny, qkvBias: false }, source))).toBe(whole - L * 3 * E);
  expect(countOf((source) => vit({ ...tiny, positions: "none" }, source))).toBe(whole - 5 * E);
  expect(countOf((source) => vit({ ...tiny, positions: "sinusoidal" }, source))).toBe(whole - 5 * E);
  expect(countOf((source) => vit({ ...tiny, prefix: "none" }, source))).toBe(whole - 2 * E);
  expect(countOf((source) => vit({ ...tiny, maskToken: true }, source))).toBe(whole + E);
});

test("images and their patches, cut already, are the same to it", () => {
  const model = vit(tiny, rng(0));
  const images = randomImages([3, 8, 8, 2]);
  const [whole, cut] = [model.forward(images), model.forward(cutPatches(images, 4))];
  expect(whole["classes"]!.shape).toEqual([3, 3]);
  expect(whole.states.shape).toEqual([3, 5, 16]);
  expect(difference(whole["classes"]!, cut["classes"]!)).toBe(0);
});

test("images of a batch do not see each other", () => {
  const images = randomImages([3, 8, 8, 2]);
  for (const stem of ["patches", "convolutions"] as const) {
    const model = vit({ ...tiny, stem }, rng(0));
    const alone = model.forward(gather(images, tensor([1], { dtype: "int32" }), { axis: 0 }));
    const row = gather(model.forward(images)["classes"]!, tensor([1], { dtype: "int32" }), { axis: 0 });
    expect(difference(alone["classes"]!, row)).toBeLessThan(1e-6);
  }
});

test.each([
  ["none", true],
  ["sinusoidal", false],
  ["learned", false],
] as const)("with positions %s the order of patches is invisible: %s", (positions, isInvisible) => {
  const model = vit({ ...tiny, positions }, rng(0));
  const patches = cutPatches(randomImages([2, 8, 8, 2]), 4);
  const order = tensor([2, 0, 3, 1], { dtype: "int32" });
  const moved = difference(
    model.forward(patches)["classes"]!,
    model.forward(gather(patches, order, { axis: 1 }))["classes"]!,
  );
  if (isInvisible) expect(moved).toBeLessThan(1e-5);
  else expect(moved).toBeGreaterThan(1e-3);
});

test("the mask token hides a patch, wherever it is hidden", () => {
  const model = vit({ ...tiny, maskToken: true }, rng(0));
  assign(model.vision.maskToken!, randomImages([16], 3));
  const patches = cutPatches(randomImages([1, 8, 8, 2]), 4);
  const noise = cutPatches(randomImages([1, 8, 8, 2], 8), 4);
  const masked = tensor([[0, 1, 0, 1]], { dtype: "bool" });
  const changed = fromArray(
    Float32Array.from(
      [0, 1, 2, 3].flatMap((n) => Array.from(dataSync(n % 2 ? noise : patches)).slice(32 * n, 32 * n + 32)),
    ),
    [1, 4, 32],
  );
  expect(difference(model.forward(patches, { masked }).states, model.forward(changed, { masked }).states)).toBe(0);
  expect(difference(model.forward(patches, { masked }).states, model.forward(patches).states)).toBeGreaterThan(1e-2);
});

test("heads read the class token, the one for distillation, the mean, or the patches", () => {
  const read = (tokens: "first" | "second" | "mean" | "each behind the second", out?: number) =>
    vit(
      { ...tiny, prefix: "class and distillation", heads: { read: { tokens, ...(out !== undefined && { out }) } } },
      rng(0),
    ).forward(randomImages([1, 8, 8, 2]));
  const { states } = read("first");
  const values = Array.from(dataSync(states));
  const row = (i: number) => values.slice(16 * i, 16 * i + 16);
  expect(Array.from(dataSync(read("first")["read"]!))).toEqual(row(0));
  expect(Array.from(dataSync(read("second")["read"]!))).toEqual(row(1));
  expect(Array.from(dataSync(read("each behind the second")["read"]!))).toEqual(values.slice(32));
  const means = row(0).map((_, e) => [0, 1, 2, 3, 4, 5].reduce((sum, i) => sum + row(i)[e]! / 6, 0));
  Array.from(dataSync(read("mean")["read"]!)).forEach((value, e) => void expect(value).toBeCloseTo(means[e]!, 5));
  expect(read("each behind the second", 32)["read"]!.shape).toEqual([1, 4, 32]);
});

test("other sizes: positions are interpolated, weights shared, gradients reach the table", () => {
  const model = vit(tiny, rng(0));
  const larger = model.resized([12, 8]);
  expect(larger.forward(randomImages([1, 12, 8, 2])).states.shape).toEqual([1, 7, 16]);
  expect(larger.vision.blocks).toBe(model.vision.blocks);
  const images = randomImages([1, 8, 8, 2]);
  expect(difference(model.resized([8, 8]).forward(images).states, model.forward(images).states)).toBeLessThan(1e-5);
  expect(() => model.forward(randomImages([1, 12, 8, 2]))).toThrow(/Resize them, or the model/);
});

test("dropout needs an rng, and the same one drops the same", () => {
  const model = vit({ ...tiny, dropout: 0.3, attentionDropout: 0.3 }, rng(0));
  const images = randomImages([2, 8, 8, 2]);
  const run = (seed?: number) => model.forward(images, seed === undefined ? {} : { rng: rng(seed) })["classes"]!;
  expect(difference(run(), run())).toBe(0);
  expect(difference(run(1), run(1))).toBe(0);
  expect(difference(run(1), run(2))).toBeGreaterThan(1e-4);
});

test.each(["patches", "convolutions"] as const)("learns a batch, with %s", (stem) => {
  const model = vit({ ...tiny, stem }, rng(0));
  const images = randomImages([4, 8, 8, 2]);
  const labels = tensor([0, 1, 2, 1], { dtype: "int32" });
  const losses = descend(() => crossEntropy(model.forward(images)["classes"]!, labels), parameters(model), {
    ...{ steps: 30, learningRate: 0.1 },
    assign: (weight, by) => assign(weight, subtract(weight, by)),
  });
  expect(losses.at(-1)).toBeLessThan(0.2 * losses[0]!);
});

test("begins without a preference: the first loss is near that of guessing, and one seed gives one model", () => {
  const config: VitConfig = { ...tiny, initStd: 0.02 };
  const images = randomImages([8, 8, 8, 2]);
  const logits = vit(config, rng(5)).forward(images)["classes"]!;
  const labels = tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: "int32" });
  expect(Math.abs(dataSync(crossEntropy(logits, labels))[0]! - Math.log(3))).toBeLessThan(0.1);
  expect(difference(logits, vit(config, rng(5)).forward(images)["classes"]!)).toBe(0);
  expect(difference(logits, vit(config, rng(6)).forward(images)["classes"]!)).toBeGreaterThan(1e-3);
});

test("fixed positions are saved, not learned", () => {
  const model = vit({ ...tiny, positions: "sinusoidal" }, rng(0));
  const table = stateDict(model).get("vision.position.table")!;
  expect(table.shape).toEqual([5, 16]);
  expect(parameters(model)).not.toContain(table);
});

test("an observer sees the embeddings, what each block gives before the final norm, and each layer's probabilities", () => {
  const model = vit(tiny, rng(0));
  const seen: string[] = [];
  model.forward(randomImages([2, 8, 8, 2]), {
    observe: {
      hiddenState: (index, x) => void seen.push(`state ${index} ${x.shape.join(" ")}`),
      attention: (layer, { probs }) => void seen.push(`layer ${layer} ${probs.shape.join(" ")}`),
    },
  });
  expect(seen).toEqual(["state 0 2 5 16", "layer 0 2 4 5 5", "state 1 2 5 16", "layer 1 2 4 5 5", "state 2 2 5 16"]);
});

describe("names what is wrong", () => {
  const images = zeros([1, 8, 8, 2]);

  test.each([
    ["size", () => vit(tiny, null).forward(zeros([1, 9, 8, 2]))],
    ["channels", () => vit(tiny, null).forward(zeros([1, 8, 8, 3]))],
    ["channels first", () => vit(tiny, null).forward(zeros([1, 2, 8, 8]))],
    ["rank", () => vit(tiny, null).forward(zeros([8, 8]))],
    ["patches", () => vit(tiny, null).forward(zeros([1, 3, 32]))],
    ["patches for a stem", () => vit({ ...tiny, stem: "convolutions" }, null).forward(zeros([1, 4, 32]))],
    ["no mask token", () => vit(tiny, null).forward(images, { masked: broadcast(tensor([[true]]), [1, 4]) })],
    [
      "masks of another shape",
      () => vit({ ...tiny, maskToken: true }, null).forward(images, { masked: tensor([[true]]) }),
    ],
    ["resized", () => vit(tiny, null).resized([10, 8])],
    ["patchSize", () => vit({ ...tiny, patchSize: 3 }, null)],
    ["imageSize", () => vit({ ...tiny, imageSize: [8, 6] }, null)],
    ["numHeads", () => vit({ ...tiny, numHeads: 3 }, null)],
    ["stem", () => vit({ ...tiny, stem: "convolutions", patchSize: 1 }, null)],
    ["vocabulary", () => vit({ ...tiny, heads: { words: { tokens: "each", out: "vocabulary" } } }, null)],
    ["dropout", () => vit({ ...tiny, dropout: 1 }, null)],
  ])("%s", (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});

test("an unknown key", () => {
  expect(() => vit({ ...tiny, patches: 4 } as VitConfig, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: vit: config has an unknown key, expected one of dModel, numLayers, numHeads, dFF, patchSize, numChannels, dropout, attentionDropout, embeddingDropout, layerNormEpsilon, initStd, qkvBias, maskToken, activation, stem, positions, prefix, got patches]`,
  );
});
