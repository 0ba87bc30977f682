import type { TokenizerFile } from "./tokenizer-file.ts";

/**
 * The printable symbols that stand for the 256 byte values in byte-level tokenizers.
 *
 * Printable Latin-1 characters stand for themselves; the other 68 bytes take the code points from 256 on, in order.
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.2 (byte-level BPE) and the
 *   encoder published with it.
 */
export function byteSymbols(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** The model part of a byte-level tokenizer file: the tokens in the order of their ids, and what merges into them. */
export function bytePairModel(
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
): TokenizerFile["model"] {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  };
}

/**
 * Makes the tokenizer whose tokens are the bytes of the text in UTF-8: 256 tokens, the id is the byte. Nothing is
 * learned from a text and no text is unknown.
 *
 * The model is byte-level BPE without merges. Decoding bytes that are not UTF-8 gives U+FFFD in their place.
 *
 * @example
 * loadTokenizer(trainByteTokenizer()).encode("\u00e9"); // 195, 169
 */
export function trainByteTokenizer(): TokenizerFile {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: bytePairModel(byteSymbols(), []),
  };
}
