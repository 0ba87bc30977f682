import { Decoder, decoderModel } from "@heed/models";
import { t5Bias } from "@heed/positions";
import { normal, rng, scope } from "@heed/tensor";

const sizes = { vocabSize: 7, maxSeqLen: 12, dModel: 8, numLayers: 2, numHeads: 2, initStd: 0.5 } as const;

function relativeModel(): Decoder {
  const { stack } = decoderModel({ ...sizes, positions: { kind: "alibi" } }, rng(3));
  const table = (shape: readonly number[]) => normal(shape, { rng: rng(4), std: 1 });
  const bias = t5Bias({ numHeads: 2, numBuckets: 8, maxDistance: 16, bidirectional: false, table });
  return new Decoder({ embedding: stack.embedding, blocks: stack.blocks, norm: stack.norm, maxSeqLen: 12, bias });
}

/** Small decoders with every way of knowing positions, weights large enough that order matters. */
export const positionModels: readonly (readonly [string, () => Decoder])[] = [
  ["learned", () => scope(() => decoderModel({ ...sizes, positions: { kind: "learned" } }, rng(1)))],
  ["rotary", () => scope(() => decoderModel({ ...sizes, positions: { kind: "rotary" } }, rng(2)))],
  ["ALiBi", () => scope(() => decoderModel({ ...sizes, positions: { kind: "alibi" } }, rng(3)))],
  ["relative", () => scope(relativeModel)],
  [
    "rotary, windowed",
    () => scope(() => decoderModel({ ...sizes, positions: { kind: "rotary" }, windows: [3, null] }, rng(5))),
  ],
];
