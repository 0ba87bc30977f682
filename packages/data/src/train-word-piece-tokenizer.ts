import type { TokenizerFile } from "./tokenizer-file.ts";
import { learnMerges } from "./training/byte-pairs.ts";
import {
  addSpecialTokens,
  expectCount,
  expectRoom,
  type TrainingOptions,
  template,
} from "./training/special-tokens.ts";
import { countWords, type Texts } from "./training/word-counts.ts";

/** Options of {@link trainWordPieceTokenizer}. */
export interface WordPieceOptions extends TrainingOptions {
  /** leave pairs that occur less often; default 2 */
  readonly minFrequency?: number;
  /** lower case, without accents; default true, as bert-base-uncased */
  readonly lowercase?: boolean;
  /** characters to keep, the most frequent ones; words with others become [UNK]. Default 1,000 */
  readonly maxAlphabet?: number;
  /** further special tokens behind [PAD], [UNK], [CLS], [SEP], [MASK]; default none */
  readonly specialTokens?: readonly string[];
}

const prefix = "##";
const bertTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

const byCodePoint = (a: string, b: string): number => a.codePointAt(0)! - b.codePointAt(0)!;

/** The most frequent characters; among equals the smaller code point. */
function alphabetOf(counts: ReadonlyMap<string, number>, size: number): ReadonlySet<string> {
  const frequency = new Map<string, number>();
  for (const [word, count] of counts) {
    for (const character of word) frequency.set(character, (frequency.get(character) ?? 0) + count);
  }
  const sorted = [...frequency].sort(([a, x], [b, y]) => y - x || byCodePoint(a, b));
  return new Set(sorted.slice(0, size).map(([character]) => character));
}

/** Characters as tokens: each as it begins a word, and those that go on words so. */
function characterTokens(words: readonly string[]): string[] {
  const all = [...new Set(words.flatMap((word) => [...word]))].sort(byCodePoint);
  const later = new Set(words.flatMap((word) => [...word].slice(1)));
  return [...all, ...all.filter((character) => later.has(character)).map((character) => prefix + character)];
}

/**
 * Learns a WordPiece vocabulary with BERT's text cleaning, special tokens and templates: [CLS] a [SEP], [CLS] a [SEP] b [SEP].
 *
 * Ids: the special tokens ([PAD] is 0), characters, then pieces in the order learned; a piece that goes on a word begins with ##.
 *
 * @param texts a list or stream of texts; a word never runs from one into the next
 * @throws RangeError if vocabSize has no room for characters and special tokens; TokenizerError (text) if there is no text
 * @see Devlin et al. 2019, BERT, section 3, arXiv:1810.04805; the cleaning of google-research/bert: tokenization.py. Differs: pieces
 *   are chosen by frequency, as the Hugging Face tokenizers library does, where Schuster and Nakajima 2012 choose by likelihood.
 * @example
 * const file = await trainWordPieceTokenizer(["play player playing"], { vocabSize: 40 });
 * loadTokenizer(file).idToToken(2); // "[CLS]"
 */
export async function trainWordPieceTokenizer(
  texts: Texts,
  {
    vocabSize,
    minFrequency = 2,
    lowercase = true,
    maxAlphabet = 1000,
    specialTokens = [],
    onProgress,
  }: WordPieceOptions,
): Promise<TokenizerFile> {
  const caller = "trainWordPieceTokenizer";
  expectCount(caller, "vocabSize", vocabSize, 1);
  expectCount(caller, "minFrequency", minFrequency, 1);
  expectCount(caller, "maxAlphabet", maxAlphabet, 1);
  const specials = [...bertTokens, ...specialTokens];
  const added = addSpecialTokens(caller, specials);
  const normalizer = {
    ...{ type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase },
  };
  const preTokenizer = { type: "BertPreTokenizer" };
  const counts = await countWords(caller, texts, { preparation: { normalizer, preTokenizer }, onProgress });
  const alphabet = alphabetOf(counts, maxAlphabet);
  const spelled = [...counts].filter(([word]) => [...word].every((character) => alphabet.has(character)));
  const tokens = [...specials, ...characterTokens(spelled.map(([word]) => word))];
  expectRoom(
    caller,
    vocabSize,
    tokens.length,
    `${tokens.length - specials.length} characters and ${specials.length} special tokens`,
  );
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = spelled.map(([word, count]) => ({
    symbols: Array.from(word, (character, i) => ids.get(i === 0 ? character : prefix + character)!),
    count,
  }));
  learnMerges(words, {
    tokens,
    vocabSize,
    minFrequency,
    join: (left, right) => left + right.slice(prefix.length),
    onToken: onProgress && (() => onProgress({ stage: "learn", done: tokens.length })),
  });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: template(
      [
        ["[CLS]", 0],
        ["A", 0],
        ["[SEP]", 0],
      ],
      [
        ["[CLS]", 0],
        ["A", 0],
        ["[SEP]", 0],
        ["B", 1],
        ["[SEP]", 1],
      ],
      (token) => specials.indexOf(token),
    ),
    decoder: { type: "WordPiece", prefix, cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
}
