export type { CausalLMOptions } from "./causal-lm.ts";
export { causalLM } from "./causal-lm.ts";
export type { DistillationLogits, DistillationOptions } from "./distillation.ts";
export { distillation } from "./distillation.ts";
export type { AnsweredQuestion, AnswerSpanExample, SpanLogits } from "./fine-tuning/answer-span.ts";
export { answerSpan } from "./fine-tuning/answer-span.ts";
export type { BestSpanOptions } from "./fine-tuning/best-span.ts";
export { bestSpan } from "./fine-tuning/best-span.ts";
export type { LabelTargets } from "./fine-tuning/labels.ts";
export type { MultiLabelExample, MultiLabelledText, MultiLabelOptions } from "./fine-tuning/multi-label.ts";
export { multiLabel } from "./fine-tuning/multi-label.ts";
export type { ChoiceQuestion, MultipleChoiceExample, MultipleChoiceOptions } from "./fine-tuning/multiple-choice.ts";
export { multipleChoice } from "./fine-tuning/multiple-choice.ts";
export type { RatedText, RegressionExample, RegressionOptions } from "./fine-tuning/regression.ts";
export { regression } from "./fine-tuning/regression.ts";
export type { LabelledPair } from "./fine-tuning/sentence-pair.ts";
export { sentencePair } from "./fine-tuning/sentence-pair.ts";
export type {
  ClassificationExample,
  ClassificationOptions,
  LabelledText,
} from "./fine-tuning/sequence-classification.ts";
export { sequenceClassification } from "./fine-tuning/sequence-classification.ts";
export type { TaggedText, TokenClassificationExample } from "./fine-tuning/token-classification.ts";
export { tokenClassification } from "./fine-tuning/token-classification.ts";
export type { MaskedAutoencodingExample, MaskedAutoencodingOptions } from "./images/masked-autoencoding.ts";
export { maskedAutoencoding } from "./images/masked-autoencoding.ts";
export type { MaskedImageExample, MaskedImageOptions } from "./images/masked-image-modeling.ts";
export { maskedImageModeling } from "./images/masked-image-modeling.ts";
export type { NextPixelOptions } from "./images/next-pixel.ts";
export { nextPixel } from "./images/next-pixel.ts";
export type { PatchOptions } from "./images/patch-options.ts";
export type { TextInputs, TextTemplate } from "./inputs/text-template.ts";
export { binaryCrossEntropy } from "./losses/binary-cross-entropy.ts";
export { contrastiveLoss } from "./losses/contrastive-loss.ts";
export { cosineSimilarity } from "./losses/cosine-similarity.ts";
export { klDivergence } from "./losses/kl-divergence.ts";
export { meanSquaredError } from "./losses/mean-squared-error.ts";
export type { LossOptions, Reduction } from "./losses/reduce-losses.ts";
export type { SmoothedTargetsOptions } from "./losses/smoothed-targets.ts";
export { smoothedTargets } from "./losses/smoothed-targets.ts";
export { softCrossEntropy } from "./losses/soft-cross-entropy.ts";
export type { Example, Objective, SequenceObjective } from "./objective.ts";
export type { DescribedImage, ImageTextEmbeddings, ImageTextExample } from "./pairs/image-text-contrast.ts";
export { imageTextContrast } from "./pairs/image-text-contrast.ts";
export type { AnsweredQuery, RetrievalEmbeddings, RetrievalOptions } from "./pairs/retrieval.ts";
export { retrieval } from "./pairs/retrieval.ts";
export type { PlainArrays } from "./stack-examples.ts";
export { stackExamples } from "./stack-examples.ts";
