export type { BidirectionalExample, BidirectionalLogits, BidirectionalObjective } from "./bidirectional-lm.ts";
export { bidirectionalLM } from "./bidirectional-lm.ts";
export type { CausalLMOptions } from "./causal-lm.ts";
export { causalLM } from "./causal-lm.ts";
export { countedPlaces } from "./counted-places.ts";
export type { DistillationLogits, DistillationOptions } from "./distillation.ts";
export { distillation } from "./distillation.ts";
export type { CorruptSpansOptions } from "./encoder-decoder/corrupt-spans.ts";
export { corruptSpans } from "./encoder-decoder/corrupt-spans.ts";
export type { DenoisingOptions } from "./encoder-decoder/denoising.ts";
export { denoising } from "./encoder-decoder/denoising.ts";
export type { Seq2SeqLayout } from "./encoder-decoder/layout.ts";
export type { EncoderDecoderExample, EncoderDecoderObjective } from "./encoder-decoder/objective.ts";
export type { Seq2SeqOptions, TextPair } from "./encoder-decoder/seq2seq.ts";
export { seq2seq } from "./encoder-decoder/seq2seq.ts";
export type { ShiftRightOptions } from "./encoder-decoder/shift-right.ts";
export { shiftRight } from "./encoder-decoder/shift-right.ts";
export type { SpanCorruptionOptions } from "./encoder-decoder/span-corruption.ts";
export { spanCorruption } from "./encoder-decoder/span-corruption.ts";
export type { SpanLengthsOptions, SpanRates } from "./encoder-decoder/span-lengths.ts";
export { spanCorruptionLengths } from "./encoder-decoder/span-lengths.ts";
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
export type { MaskedLMOptions, WordsFn } from "./masked-lm.ts";
export { maskedLM } from "./masked-lm.ts";
export type { NextSentenceOptions, SentenceInDocuments } from "./next-sentence.ts";
export { nextSentencePrediction } from "./next-sentence.ts";
export { documentRotation } from "./noises/document-rotation.ts";
export type { NoiseFn } from "./noises/noise-fn.ts";
export { sentencePermutation } from "./noises/sentence-permutation.ts";
export type { TextInfillingOptions } from "./noises/text-infilling.ts";
export { textInfilling } from "./noises/text-infilling.ts";
export { tokenDeletion } from "./noises/token-deletion.ts";
export type { Example, Objective, SequenceObjective } from "./objective.ts";
export type { DescribedImage, ImageTextEmbeddings, ImageTextExample } from "./pairs/image-text-contrast.ts";
export { imageTextContrast } from "./pairs/image-text-contrast.ts";
export type { AnsweredQuery, RetrievalEmbeddings, RetrievalOptions } from "./pairs/retrieval.ts";
export { retrieval } from "./pairs/retrieval.ts";
export type { PermutationExample, PermutationLMOptions, TwoStreamObjective } from "./permutation-lm.ts";
export { permutationLM } from "./permutation-lm.ts";
export type { PrefixExample } from "./prefix-lm.ts";
export { prefixLM } from "./prefix-lm.ts";
export type {
  ReplacedTokenExample,
  ReplacedTokenLogits,
  ReplacedTokenObjective,
  ReplacedTokenOptions,
} from "./replaced-token-detection.ts";
export { replacedTokenDetection } from "./replaced-token-detection.ts";
export type { ConsecutiveTexts } from "./sentence-order.ts";
export { sentenceOrderPrediction } from "./sentence-order.ts";
export type { PlainArrays } from "./stack-examples.ts";
export { stackExamples } from "./stack-examples.ts";
export type { MaskedHeads, MaskedTargets } from "./with-masked-lm.ts";
export { withMaskedLM } from "./with-masked-lm.ts";
export { wordPieces } from "./word-pieces.ts";
