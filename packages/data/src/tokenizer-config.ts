import type { JsonObject } from "./tokenizer-file.ts";

/**
 * The content of the `tokenizer_config.json` that belongs beside a `tokenizer.json` made here.
 *
 * It makes Python's `AutoTokenizer` take the file as it is. Without it the class of the model type is chosen, which for
 * "gpt2" adds an end-of-text token, and older versions drop spaces before punctuation when decoding.
 *
 * @param options.maxSeqLen longest sequence the model reads, in tokens
 * @throws RangeError if it is not a whole number >= 1
 */
export function tokenizerConfig({ maxSeqLen }: { readonly maxSeqLen: number }): JsonObject {
  if (!Number.isSafeInteger(maxSeqLen) || maxSeqLen < 1) {
    throw new RangeError(`tokenizerConfig: maxSeqLen is out of range, expected a whole number >= 1, got ${maxSeqLen}`);
  }
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    model_max_length: maxSeqLen,
  };
}
