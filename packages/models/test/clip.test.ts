import { parameters } from "@heed/nn";
import {
  add,
  arange,
  assign,
  crossEntropy,
  dataSync,
  divide,
  exp,
  matmul,
  multiply,
  referenceBackend,
  rng,
  sqrt,
  subtract,
  sum,
  type Tensor,
  tensor,
  transpose,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  type ClipConfig,
  ClipImageTower,
  type ClipPresetName,
  ClipTextTower,
  clip,
  clipImageTower,
  clipPresets,
  clipTextTower,
} from "../src/index.ts";
import { countOf, descend, difference, randomImages } from "./image-values.ts";

useBackend(referenceBackend());

const sizes = { dModel: 16, numLayers: 1, numHeads: 2, dFF: 32 };
const tiny: ClipConfig = {
  text: { ...sizes, vocabSize: 20, maxSeqLen: 6, endToken: 18 },
  image: { ...sizes, imageSize: 8, patchSize: 4 },
  dProjection: 12,
};
const tokens = tensor(
  [
    [1, 5, 6, 18, 0, 0],
    [1, 7, 19, 8, 18, 0],
    [1, 9, 18, 18, 2, 3],
  ],
  { dtype: "int32" },
);

/** Of the public checkpoints. */
const published: Record<ClipPresetName, number> = { "clip-base-32": 151_277_313, "clip-base-16": 149_620_737 };

test.each(Object.entries(published))("%s has %i parameters", (name, count) => {
  expect(countOf((source) => clip(clipPresets[name as ClipPresetName], source))).toBe(count);
});

test.each([
  [18, [3, 4, 2]],
  ["highest", [3, 2, 2]],
] as const)("with end token %s a text is read at its place", (endToken, places) => {
  const { text } = clip({ ...tiny, text: { ...tiny.text, endToken } }, rng(0));
  const { states, pooled } = text.forward(tokens);
  const values = Array.from(dataSync(states));
  const expected = places.flatMap((place, b) => values.slice((b * 6 + place) * 16, (b * 6 + place + 1) * 16));
  expect(Array.from(dataSync(pooled))).toEqual(expected);
});

test("what follows the end token, and padding, have no influence", () => {
  const model = clip(tiny, rng(0));
  const other = tensor(
    [
      [1, 5, 6, 18, 3, 9],
      [1, 7, 19, 8, 18, 4],
      [1, 9, 18, 5, 7, 7],
    ],
    { dtype: "int32" },
  );
  expect(difference(model.embedTexts(tokens), model.embedTexts(other))).toBe(0);
  const padding = tensor(
    [
      [0, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 1],
    ],
    { dtype: "bool" },
  );
  const [plain, padded] = [dataSync(model.embedTexts(tokens)), dataSync(model.embedTexts(tokens, { padding }))];
  expect(Array.from(padded).slice(12)).toEqual(Array.from(plain).slice(12));
  expect(Array.from(padded).slice(0, 12)).not.toEqual(Array.from(plain).slice(0, 12));
});

test("learns which text belongs to which image", () => {
  const model = clip({ ...tiny, initFactor: 3, logScale: 1 }, rng(0)); // wide, so that plain descent moves it soon
  const images = randomImages([3, 8, 8, 3]);
  const unit = (x: Tensor) => divide(x, sqrt(sum(multiply(x, x), { axes: -1, keepDims: true })));
  const loss = () => {
    const { image, text, logScale } = model.forward({ images, tokens });
    const logits = multiply(matmul(unit(image), transpose(unit(text))), exp(logScale));
    const diagonal = arange(0, 3);
    return add(crossEntropy(logits, diagonal), crossEntropy(transpose(logits), diagonal));
  };
  const losses = descend(loss, parameters(model), {
    ...{ steps: 40, learningRate: 0.1 },
    assign: (weight, by) => assign(weight, subtract(weight, by)),
  });
  expect(losses[0]).toBeGreaterThan(1);
  expect(losses.at(-1)).toBeLessThan(0.2 * losses[0]!);
});

test("a tower alone gives what it gives in the whole", () => {
  const whole = clip(tiny, rng(0));
  const images = randomImages([2, 8, 8, 3]);
  const [text, image] = [
    new ClipTextTower(whole.text, whole.textProjection),
    new ClipImageTower(whole.image, whole.imageProjection),
  ];
  expect(difference(text.forward(tokens).projected!, whole.embedTexts(tokens))).toBe(0);
  expect(difference(image.forward(images).projected!, whole.embedImages(images))).toBe(0);
  const count = countOf((source) => clip(tiny, source)) - 1;
  const towers = [
    countOf((source) => clipTextTower({ ...tiny.text, dProjection: 12 }, source)),
    countOf((source) => clipImageTower({ ...tiny.image, dProjection: 12 }, source)),
  ];
  expect(towers[0]! + towers[1]!).toBe(count);
  expect(clipTextTower(tiny.text, rng(0)).forward(tokens).projected).toBeUndefined();
});

test("other sizes of images", () => {
  const model = clip(tiny, rng(0));
  expect(model.resized([12, 8]).embedImages(randomImages([1, 12, 8, 3])).shape).toEqual([1, 12]);
});

test("names what is wrong", () => {
  const model = clip(tiny, null);
  expect(() => model.embedImages(zeros([1, 8, 8, 1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: VisionTransformer: images has shape [1, 8, 8, 1], expected [B, 8, 8, 3] (from images of 8 x 8 pixels, 3 channels and patchSize=4). Resize them, or the model with resized()]`,
  );
  expect(() => model.embedTexts(zeros([1, 7], { dtype: "int32" }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Stack: tokens has T=7, expected at most 6 in all (maxSeqLen). Shorten the text or build a model with a longer context]`,
  );
  expect(() => clip({ ...tiny, text: { ...tiny.text, endToken: 20 } }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: clip: text: endToken is out of range, expected an id in 0..19 or "highest", got 20]`,
  );
  expect(() => clip({ ...tiny, image: { ...tiny.image, patchSize: 3 } }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: clip: image: imageSize is wrong, expected multiples of patchSize=3, got 8]`,
  );
  expect(() => clip({ ...tiny, text: { ...tiny.text, numHeads: 3 } }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: clip: text: numHeads does not divide the width, expected a divisor of dModel=16, got 3]`,
  );
  expect(() => clip({ ...tiny, dProjection: 0 }, null)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: clip: dProjection is out of range, expected a whole number >= 1, got 0]`,
  );
});
