import { Tokenizer as Library } from "@huggingface/tokenizers";
import type { TokenizerFile } from "../tokenizer-file.ts";
import type { LibraryParts } from "./encode-with-offsets.ts";

const known = new WeakMap<TokenizerFile, LibraryParts>();

/** The library's normalizer, pre-tokenizer and model of a file that it is known to run. */
export function libraryParts(file: TokenizerFile): LibraryParts {
  let parts = known.get(file);
  if (!parts) {
    parts = new Library(file, {}) as unknown as LibraryParts;
    known.set(file, parts);
  }
  return parts;
}
