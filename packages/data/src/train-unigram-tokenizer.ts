import type { TokenizerComponent, TokenizerFile } from "./tokenizer-file.ts";
import {
  addSpecialTokens,
  expectCount,
  expectRoom,
  type TrainingOptions,
  template,
} from "./training/special-tokens.ts";
import { learnPieces } from "./training/unigram.ts";
import { countWords, type Texts } from "./training/word-counts.ts";

/** Options of {@link trainUnigramTokenizer}. */
export interface UnigramOptions extends TrainingOptions {
  /** sentinels `<extra_id_0>`, `<extra_id_1>`, ... at the end of the vocabulary, the first with the highest id; default 0 */
  readonly numSentinels?: number;
  /** characters that a piece may have at most; default 16 */
  readonly maxPieceLength?: number;
}

const t5Tokens = ["<pad>", "</s>", "<unk>"];
/** Stands for a space: U+2581. */
const space = "\u2581";

/**
 * Learns a Unigram vocabulary as T5 uses: pieces of words that begin with a mark for the space, an end token after each text.
 *
 * Texts are normalized (NFKC) and cut at white space, all of which decodes to single spaces. Ids: `<pad>` 0, `</s>` 1, `<unk>` 2, pieces from the most probable on, sentinels. A character
 * that no text had becomes `<unk>`.
 *
 * @param texts a list or stream of texts; a word never runs from one into the next
 * @throws RangeError if vocabSize has no room for characters, special tokens and sentinels; TokenizerError (text) if there is no text
 * @see Kudo 2018, Subword Regularization, arXiv:1804.10959; Raffel et al. 2020, T5, section 2.2 and appendix, arXiv:1910.10683.
 * @example
 * const file = await trainUnigramTokenizer(["the cat and the hat"], { vocabSize: 30, numSentinels: 2 });
 * loadTokenizer(file).tokenToId("</s>"); // 1
 */
export async function trainUnigramTokenizer(
  texts: Texts,
  { vocabSize, numSentinels = 0, maxPieceLength = 16, onProgress }: UnigramOptions,
): Promise<TokenizerFile> {
  const caller = "trainUnigramTokenizer";
  expectCount(caller, "vocabSize", vocabSize, 1);
  expectCount(caller, "numSentinels", numSentinels, 0);
  expectCount(caller, "maxPieceLength", maxPieceLength, 1);
  const normalizer: TokenizerComponent = { type: "NFKC" };
  const metaspace: TokenizerComponent = { type: "Metaspace", replacement: space, prepend_scheme: "always" };
  const preTokenizer: TokenizerComponent = {
    type: "Sequence",
    pretokenizers: [{ type: "WhitespaceSplit" }, metaspace],
  };
  const counts = await countWords(caller, texts, { preparation: { normalizer, preTokenizer }, onProgress });
  const characters = new Set([...counts.keys()].flatMap((word) => [...word]));
  const numSpecial = t5Tokens.length + numSentinels;
  expectRoom(
    caller,
    vocabSize,
    characters.size + numSpecial,
    `${characters.size} characters, ${t5Tokens.length} special tokens and ${numSentinels} sentinels`,
  );
  const pieces = learnPieces(counts, {
    numPieces: vocabSize - numSpecial,
    longest: maxPieceLength,
    onPieces: onProgress && ((left) => onProgress({ stage: "learn", done: left })),
  });
  const sentinels = Array.from({ length: numSentinels }, (_, i) => `<extra_id_${numSentinels - 1 - i}>`);
  const firstSentinel = t5Tokens.length + pieces.length;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [...addSpecialTokens(caller, t5Tokens), ...addSpecialTokens(caller, sentinels, firstSentinel)],
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: template(
      [
        ["A", 0],
        ["</s>", 0],
      ],
      [
        ["A", 0],
        ["</s>", 0],
        ["B", 0],
        ["</s>", 0],
      ],
      (token) => t5Tokens.indexOf(token),
    ),
    decoder: metaspace,
    model: {
      type: "Unigram",
      unk_id: t5Tokens.indexOf("<unk>"),
      byte_fallback: false,
      vocab: [...t5Tokens, ...pieces, ...sentinels].map((entry) => (typeof entry === "string" ? [entry, 0] : entry)),
    },
  };
}
