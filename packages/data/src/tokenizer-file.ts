/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object with any keys. */
export type JsonObject = { readonly [key: string]: Json };

/** One step of a tokenizer: a normalizer, pre-tokenizer, post-processor or decoder, told apart by `type`. */
export type TokenizerComponent = { readonly type: string; readonly [field: string]: Json };

/** A token with a fixed id that is found in the text before anything else is done. */
export type AddedToken = {
  readonly id: number;
  readonly content: string;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  readonly normalized?: boolean;
  readonly special?: boolean;
};

/** The content of a `tokenizer.json`, as the Hugging Face tokenizers libraries write and read it. */
export type TokenizerFile = {
  readonly version: string;
  readonly truncation: Json;
  readonly padding: Json;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: TokenizerComponent | null;
  readonly pre_tokenizer: TokenizerComponent | null;
  readonly post_processor: TokenizerComponent | null;
  readonly decoder: TokenizerComponent | null;
  /** `vocab` is an object of ids by token, or for Unigram a list of [token, score] */
  readonly model: { readonly type: string; readonly vocab: Json; readonly [field: string]: Json };
};
