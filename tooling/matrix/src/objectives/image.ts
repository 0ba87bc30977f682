import { full } from "@heed/attention";
import { imageTextContrast, maskedAutoencoding, maskedImageModeling } from "@heed/objectives";
import {
  add,
  cast,
  equal,
  expandDims,
  fromArray,
  matmul,
  mean,
  multiply,
  subtract,
  sum,
  type Tensor,
} from "@heed/tensor";
import {
  B,
  batchOf,
  head,
  image,
  type MatrixObjective,
  maskOf,
  patchesOf,
  rowsOf,
  sentence,
  special,
  stateAt,
} from "../batch.ts";
import { sizes } from "../tiny-model.ts";

const numPatches = 8;
const { dPatch, dModel } = sizes;
const onPatches = { mask: "full, over patches", needsLater: true, hidesLater: false };

/** Shapes: visible [B, n] -> [B, N, n], 1 where a place is that of a visible patch. */
function placing(visible: Int32Array): Tensor {
  const n = visible.length / B;
  const places = expandDims(
    fromArray(
      Int32Array.from({ length: numPatches }, (_, i) => i),
      [1, numPatches],
    ),
    -1,
  );
  return cast(equal(places, expandDims(fromArray(visible, [B, n]), 1)), "float32");
}

const autoencoding: MatrixObjective = {
  ...onPatches,
  mask: "full, over the visible patches",
  start(weight, rng) {
    const objective = maskedAutoencoding({ numPatches, dPatch, maskRate: 0.5 });
    const [back, output] = [head(weight, dPatch), head(weight, dPatch)];
    const hidden = weight([dPatch]);
    const example = batchOf(objective, (row) => image(numPatches, row), rng);
    return {
      heads: { back, output, hidden },
      loss(model, noise) {
        const positions = rowsOf(example.visible);
        const read = model.encode(model.embedPatches(patchesOf(example.patches)), full(), noise, { positions });
        const place_BNn = placing(example.visible);
        const isHidden = subtract(1, sum(place_BNn, { axes: -1, keepDims: true }));
        const all = add(matmul(place_BNn, back.forward(read)), multiply(isHidden, hidden));
        const states = model.encode(model.embedPatches(all), full(), noise);
        return objective.loss(output.forward(states), example);
      },
    };
  },
};

const imageModeling: MatrixObjective = {
  ...onPatches,
  start(weight, rng) {
    const objective = maskedImageModeling({ numRows: 2, numColumns: 4, dPatch });
    const output = head(weight, dPatch);
    const hidden = weight([dPatch]);
    const example = batchOf(objective, (row) => image(numPatches, row), rng);
    return {
      heads: { output, hidden },
      loss(model, noise) {
        const masked = cast(expandDims(rowsOf(example.masked), -1), "float32");
        const patches = add(patchesOf(example.patches), multiply(masked, hidden));
        return objective.loss(output.forward(model.encode(model.embedPatches(patches), full(), noise)), example);
      },
    };
  },
};

const contrast: MatrixObjective = {
  mask: "full, over patches; causal, padding hidden, over text",
  needsLater: true,
  hidesLater: true,
  start(weight, rng) {
    const objective = imageTextContrast({ ...special, length: 8 });
    const [ofImage, ofText] = [head(weight, dModel), head(weight, dModel)];
    const logScale = fromArray([1], []);
    const source = (row: number) => ({ image: image(numPatches, row), tokens: sentence(6, row) });
    const example = batchOf(objective, source, rng);
    return {
      heads: { ofImage, ofText, logScale },
      loss(model, noise) {
        const seen = model.encode(model.embedPatches(patchesOf(example.image)), full(), noise);
        const read = model.encode(model.embed(rowsOf(example.inputs)), maskOf(objective, example), noise);
        const embeddings = {
          image: ofImage.forward(mean(seen, { axes: 1 })),
          text: ofText.forward(stateAt(read, 7)),
          logScale,
        };
        return objective.loss(embeddings, example);
      },
    };
  },
};

/** Objectives on patches of images. */
export const imageObjectives: Readonly<Record<string, MatrixObjective>> = {
  "masked autoencoding": autoencoding,
  "masked image modeling": imageModeling,
  "image-text contrast": contrast,
};
