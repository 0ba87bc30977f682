import { bytePairModel, byteSymbols } from "./byte-tokenizer.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { learnMerges } from "./training/byte-pairs.ts";
import { addSpecialTokens, expectCount, expectRoom, type TrainingOptions } from "./training/special-tokens.ts";
import { countWords, type Texts } from "./training/word-counts.ts";

/** Options of {@link trainBytePairTokenizer}. */
export interface BytePairOptions extends TrainingOptions {
  /** leave pairs that occur less often; default 2 */
  readonly minFrequency?: number;
  /** tokens found in a text before anything else; they get the first ids. Default none */
  readonly specialTokens?: readonly string[];
  /** treat the first word of a text like the others, by a space before it; default false */
  readonly addPrefixSpace?: boolean;
}

/**
 * Learns a byte-level byte pair encoding, as GPT-2 uses: any text can be encoded, and decoding gives the text back.
 *
 * Texts are cut into words by GPT-2's rule (a word takes the space before it). Ids: special tokens, the 256 bytes in the
 * order of their symbols, then merges in the order learned. The result depends on the words and their counts alone, not on the order of texts.
 *
 * Cost: memory for the distinct words only; texts of any length can be streamed.
 *
 * @param texts a list or stream of texts; a word never runs from one into the next
 * @throws RangeError if vocabSize has no room for bytes and special tokens; TokenizerError (text) if there is no text
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.2; Sennrich et al. 2016, arXiv:1508.07909.
 * @example
 * const file = await trainBytePairTokenizer(["low lower lowest"], { vocabSize: 260 });
 * loadTokenizer(file).encode("slow").length; // 2
 */
export async function trainBytePairTokenizer(
  texts: Texts,
  { vocabSize, minFrequency = 2, specialTokens = [], addPrefixSpace = false, onProgress }: BytePairOptions,
): Promise<TokenizerFile> {
  const caller = "trainBytePairTokenizer";
  expectCount(caller, "vocabSize", vocabSize, 1);
  expectCount(caller, "minFrequency", minFrequency, 1);
  const added = addSpecialTokens(caller, specialTokens);
  const symbols = byteSymbols().sort();
  expectRoom(caller, vocabSize, added.length + symbols.length, `256 bytes and ${added.length} special tokens`);
  const byteLevel = { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  const counts = await countWords(caller, texts, {
    preparation: { normalizer: null, preTokenizer: byteLevel },
    onProgress,
  });
  const tokens = [...specialTokens, ...symbols];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = [...counts].map(([word, count]) => ({
    symbols: Array.from(word, (symbol) => ids.get(symbol)!),
    count,
  }));
  const onToken = onProgress && (() => onProgress({ stage: "learn", done: tokens.length }));
  const merges = learnMerges(words, { tokens, vocabSize, minFrequency, onToken });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: bytePairModel(tokens, merges),
  };
}
