import { expect, test } from "vitest";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "ConvolutionalPositions",
      "LearnedGridPositions",
      "LearnedPositions",
      "RelativeBias",
      "RelativeKeys",
      "T5Bias",
      "TransformerXlPositions",
      "alibi",
      "alibiSlopes",
      "bfloat16Alibi",
      "convolutional",
      "learned",
      "learned2d",
      "linearScaling",
      "llama3Scaling",
      "none",
      "ntkScaling",
      "relativeBias",
      "relativeKeys",
      "rotary",
      "sinusoidal",
      "sinusoidal2d",
      "t5Bias",
      "t5Bucket",
      "transformerXl",
      "yarnScaling",
    ]
  `);
});
