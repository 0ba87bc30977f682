// What the examples in docstrings take for granted.
import { type Batch, randomCrops } from "@heed/data";
import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { crossEntropy, fromArray, rng, type Tensor } from "@heed/tensor";

export const tokens = Int32Array.from({ length: 1000 }, (_, i) => i % 13);
export const prompt = Int32Array.of(1, 2, 3);
export const model = gpt2({ vocabSize: 13, maxSeqLen: 64, dModel: 8, numLayers: 1, numHeads: 2 }, rng(0));
export const optimizer = adamW({ parameters: parameters(model), learningRate: 1e-3 });

const crops = randomCrops({ tokens, contextLength: 16, batchSize: 2, seed: 1 });
export const nextBatch = (): Batch => crops.next();
export const lossOf = ({ inputs, targets, B, T }: Batch): Tensor =>
  crossEntropy(model.forward(fromArray(inputs, [B, T])), fromArray(targets, [B, T]));
