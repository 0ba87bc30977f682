import type { Initializer } from "@heed/nn";
import {
  alibi,
  convolutional,
  learned,
  learned2d,
  none,
  type PositionEncoding,
  relativeBias,
  relativeKeys,
  rotary,
  sinusoidal,
  sinusoidal2d,
  t5Bias,
  transformerXl,
  yarnScaling,
} from "@heed/positions";
import { type PositionChoice, sizes } from "./tiny-model.ts";

const { dModel, dHead, numHeads, maxSeqLen } = sizes;
const maxDistance = 4;
const grid = [4, 4] as const;

/** An encoding that enters by its own hooks. */
const own =
  (make: (table: Initializer) => PositionEncoding) =>
  (init: Initializer): PositionChoice => ({ encoding: make(init), concatenated: false });

/** Vectors of half the width, beside tokens of half the width. */
const beside =
  (make: (table: Initializer) => PositionEncoding) =>
  (init: Initializer): PositionChoice => ({ encoding: make(init), concatenated: true });

/** Every position encoding; those with vectors added and concatenated. */
export const matrixPositions: Readonly<Record<string, (init: Initializer) => PositionChoice>> = {
  none: own(() => none()),
  "learned, added": own((table) => learned({ maxSeqLen, dModel, table })),
  "learned, concatenated": beside((table) => learned({ maxSeqLen, dModel: dModel / 2, table })),
  "sinusoidal, added": own(() => sinusoidal()),
  "sinusoidal, concatenated": beside(() => sinusoidal({ layout: "concatenated" })),
  "relative bias": own((table) => relativeBias({ maxDistance, numHeads, table })),
  "T5 buckets": own((table) => t5Bias({ numHeads, numBuckets: 8, maxDistance: 8, table })),
  "Shaw keys": own((table) => relativeKeys({ maxDistance, dHead, table })),
  "Shaw keys and values": own((table) => relativeKeys({ maxDistance, dHead, dValue: dHead, table })),
  "Transformer-XL": own((weight) => transformerXl({ maxDistance, dModel, numHeads, dHead, weight })),
  ALiBi: own(() => alibi({ numHeads })),
  rotary: own(() => rotary()),
  "rotary, interleaved": own(() => rotary({ layout: "interleaved" })),
  "rotary, YaRN": own(() => rotary({ scaling: yarnScaling({ factor: 2, originalMaxSeqLen: 8 }) })),
  "sinusoidal 2-D": own(() => sinusoidal2d({ grid })),
  "learned 2-D": own((table) => learned2d({ grid, dModel, table })),
  convolutional: own((weight) => convolutional({ dModel, kernelSize: 3, weight })),
};
