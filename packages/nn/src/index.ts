export type { Activation } from "./activation.ts";
export { geluActivation, geluTanhActivation, reluActivation, siluActivation } from "./activation.ts";
export { CharacterCnn, createCharacterCnn } from "./character-cnn.ts";
export type { ConvolutionOptions, NewConvolutionOptions } from "./convolution.ts";
export { Convolution, createConvolution } from "./convolution.ts";
export { DeviationNorm } from "./deviation-norm.ts";
export type { DilatedStackOptions } from "./dilated-stack.ts";
export { createDilatedStack, DilatedStack } from "./dilated-stack.ts";
export type { EmbeddingOptions } from "./embedding.ts";
export { createEmbedding, Embedding } from "./embedding.ts";
export type { FeedForwardOptions, InnerDropout } from "./feed-forward.ts";
export { createFeedForward, FeedForward } from "./feed-forward.ts";
export { createGatedFeedForward, GatedFeedForward, gated } from "./gated-feed-forward.ts";
export { GroupNorm } from "./group-norm.ts";
export { createGruCell, GruCell } from "./gru-cell.ts";
export { createHighway, Highway } from "./highway.ts";
export type { Initializer, InitOptions, RandomInitOptions } from "./init.ts";
export { constantInit, normalInit, onesInit, uniformInit, xavierUniformInit, zerosInit } from "./init.ts";
export type { Combine, InputEmbeddingParts, InputPosition } from "./input-embedding.ts";
export { addPositions, concatenatePositions, InputEmbedding } from "./input-embedding.ts";
export type { LayerNormOptions, Norm } from "./layer-norm.ts";
export { createLayerNorm, LayerNorm } from "./layer-norm.ts";
export type { LinearOptions } from "./linear.ts";
export { createLinear, Linear } from "./linear.ts";
export type { CellOptions, LstmClips } from "./lstm-cell.ts";
export { createLstmCell, LstmCell } from "./lstm-cell.ts";
export type { Expert, MixtureResult } from "./mixture-of-experts.ts";
export { createMixtureOfExperts, MixtureOfExperts } from "./mixture-of-experts.ts";
export {
  eluActivation,
  leakyReluActivation,
  logSigmoidActivation,
  mishActivation,
  quickGeluActivation,
  reluSquaredActivation,
  sigmoidActivation,
  tanhActivation,
} from "./more-activations.ts";
export type { NewRecurrentOptions, RecurOptions, RecurrentOptions, RecurrentResult } from "./recurrent.ts";
export { createRecurrent, Recurrent, recur } from "./recurrent.ts";
export type { RecurrentCell, RecurrentState } from "./recurrent-cell.ts";
export type { Branch, NormPlacement } from "./residual.ts";
export {
  dropPath,
  normalizedResidual,
  parallelBranches,
  postNorm,
  preNorm,
  sandwichNorm,
  scaledResidual,
} from "./residual.ts";
export type { RmsNormOptions } from "./rms-norm.ts";
export { createRmsNorm, RmsNorm } from "./rms-norm.ts";
export { createRnnCell, RnnCell } from "./rnn-cell.ts";
export { createScalarMix, ScalarMix } from "./scalar-mix.ts";
export { ScaleNorm } from "./scale-norm.ts";
export type { Module, StateDict } from "./state-dict.ts";
export { countParameters, loadStateDict, parameters, stateDict } from "./state-dict.ts";
