import { type Decoder, gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, type Optimizer } from "@heed/optim";
import {
  type Backend,
  createReferenceBackend,
  createWasmBackend,
  crossEntropy,
  fromArray,
  rng,
  scope,
} from "@heed/tensor";

/** A batch of token ids. */
export interface TokenBatch {
  readonly tokens: Int32Array;
  readonly targets: Int32Array;
  readonly B: number;
  readonly T: number;
}

export const vocabSize = 7;
export const maxSeqLen = 8;

/** New ones for each test: tensors of other tests that the garbage collector frees do not count. */
export const backends: readonly (readonly [string, () => Backend])[] = [
  ["reference", createReferenceBackend],
  ["wasm", () => createWasmBackend({ threads: 1 })!],
];

export const tinyModel = (seed = 0): Decoder =>
  scope(() => gpt2({ vocabSize, maxSeqLen, dModel: 8, numLayers: 1, numHeads: 2, attentionDropout: 0.1 }, rng(seed)));

/** Batch number `i`: the next token is the present one plus one, cyclic. */
export function batchAt(i: number, B = 2, T = 4): TokenBatch {
  const tokens = Int32Array.from({ length: B * T }, (_, j) => (i * 3 + j + Math.floor(j / T) * 2) % vocabSize);
  return { tokens, targets: tokens.map((token) => (token + 1) % vocabSize), B, T };
}

export const lossOf =
  (model: Decoder) =>
  ({ tokens, targets, B, T }: TokenBatch) =>
    crossEntropy(model.forward(fromArray(tokens, [B, T])), fromArray(targets, [B, T]));

/** A source of batches whose place is one number. */
export function counter() {
  let at = 0;
  return {
    next: () => batchAt(at++),
    state: () => ({ at }),
    restore(state: unknown) {
      at = (state as { at: number }).at;
    },
  };
}

export function tinyRun(seed = 0): { model: Decoder; optimizer: Optimizer; cursor: ReturnType<typeof counter> } {
  const model = tinyModel(seed);
  return { model, optimizer: adamW({ parameters: parameters(model), learningRate: 0.01 }), cursor: counter() };
}
