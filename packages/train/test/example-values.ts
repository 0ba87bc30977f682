// What the examples in docstrings take for granted.
import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { crossEntropy, fromArray, rng } from "@heed/tensor";

export const model = gpt2({ vocabSize: 5, maxSeqLen: 64, dModel: 8, numLayers: 1, numHeads: 2 }, rng(0));
export const optimizer = adamW({ parameters: parameters(model), learningRate: 0.01 });
export const tokens = Int32Array.from({ length: 1000 }, (_, i) => i % 5);
export const prompt = tokens.slice(0, 3);

/** Windows of a text, as the cursors of @heed/data give them. */
interface Windows {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  readonly B: number;
  readonly T: number;
}

export const nextBatch = (): Windows => ({ inputs: tokens.slice(0, 8), targets: tokens.slice(1, 9), B: 1, T: 8 });
export const lossOf = ({ inputs, targets, B, T }: Windows) =>
  crossEntropy(model.forward(fromArray(inputs, [B, T])), fromArray(targets, [B, T]));
