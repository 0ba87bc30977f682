import { Tokenizer as Library } from "@huggingface/tokenizers";
import { type DirectEncoding, directEncoding } from "./direct-encoding.ts";
import { showCharacter, TokenizerError } from "./errors.ts";
import { readTokenizerFile } from "./read-tokenizer-file.ts";
import { findLoneSurrogate } from "./surrogates.ts";
import type { Tokenizer } from "./tokenizer.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { checkReferences, readVocabulary } from "./vocabulary.ts";

/** The part of the library in use; its own declarations do not resolve under Node's module rules. */
interface LibraryTokenizer {
  encode(
    text: string,
    options: { readonly add_special_tokens: boolean },
  ): { readonly ids: readonly (number | undefined)[] };
  decode(ids: readonly number[], options: { readonly clean_up_tokenization_spaces: boolean }): string;
}

/** Turns whatever the library throws for a file it cannot run into the error of this package. */
function runLibrary<T>(caller: string, problem: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200).replace(/\.$/, "") : "unknown reason";
    throw new TokenizerError(
      "unsupported",
      `${caller}: ${problem} (${reason}), expected a file that @huggingface/tokenizers 0.2 can run. Use another tokenizer.json`,
      { cause: error },
    );
  }
}

function createLibraryTokenizer(file: TokenizerFile): LibraryTokenizer {
  const { model } = file;
  // Without an unknown token BPE leaves out what it does not know, without a word. A name that has no id makes it visible.
  const marked =
    model.type === "BPE" && (model["unk_token"] ?? null) === null
      ? { ...file, model: { ...model, unk_token: "\u0000unknown" } }
      : file;
  return runLibrary("loadTokenizer", "file cannot be run", () => new Library(marked, {}));
}

/** One loaded file: checks what goes into the library and what comes out. */
class LoadedTokenizer implements Tokenizer {
  readonly vocabSize: number;
  private readonly file: TokenizerFile;
  private readonly tokens: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;
  private readonly direct: DirectEncoding | undefined;
  private readonly library: LibraryTokenizer;

  constructor(file: TokenizerFile) {
    this.file = file;
    this.tokens = readVocabulary("loadTokenizer", file);
    this.vocabSize = this.tokens.length;
    this.ids = new Map(this.tokens.map((token, id) => [token, id]));
    checkReferences("loadTokenizer", file, this.ids);
    this.direct = directEncoding(file, this.ids);
    this.library = createLibraryTokenizer(file);
  }

  encode(text: string, { addSpecialTokens = true }: { readonly addSpecialTokens?: boolean } = {}): Int32Array {
    if (typeof text !== "string") throw new TypeError(`encode: text is of type ${typeof text}, expected a string`);
    const lone = findLoneSurrogate(text);
    if (lone >= 0) {
      throw new TokenizerError(
        "text",
        `encode: text has a surrogate without its partner at position ${lone}, expected Unicode text, got ${showCharacter(text[lone]!)}. Leave it out`,
      );
    }
    if (this.direct) return this.direct(text);
    const { ids } = runLibrary("encode", "the tokenizer file fails on this text", () =>
      this.library.encode(text, { add_special_tokens: addSpecialTokens }),
    );
    const unknown = ids.indexOf(undefined);
    if (unknown >= 0) {
      throw new TokenizerError(
        "text",
        `encode: text has a part without a token (after ${unknown} tokens), expected text made of the ${this.vocabSize} tokens of this tokenizer. Leave it out, or use a tokenizer that knows it`,
      );
    }
    return Int32Array.from(ids as readonly number[]);
  }

  decode(ids: ArrayLike<number>): string {
    const list = Array.from(ids);
    const wrong = list.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < this.vocabSize));
    if (wrong >= 0) {
      throw new RangeError(
        `decode: ids[${wrong}] is out of range, expected a whole number in 0..${this.vocabSize - 1}, got ${list[wrong]}. Decode with the tokenizer that made the ids`,
      );
    }
    if (list.length === 0) return ""; // which the library refuses
    return runLibrary("decode", "the tokenizer file fails on these ids", () =>
      this.library.decode(list, { clean_up_tokenization_spaces: false }),
    );
  }

  tokenToId(token: string): number | undefined {
    return this.ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.tokens[id];
  }

  toJSON(): TokenizerFile {
    return this.file;
  }
}

/**
 * A tokenizer from the content of a `tokenizer.json`: one made here, or any that @huggingface/tokenizers can run.
 *
 * Special tokens of the file's post-processor are added; its `truncation` and `padding` are kept but not applied. Where
 * Python leaves unknown characters out without a word (BPE without an unknown token), `encode` throws.
 * Regular expressions of a file run as they are: a hostile one can take arbitrarily long. Load files you trust.
 *
 * Cost: encoding is linear in the text for the two kinds made here.
 *
 * @param json the text of the file, or its parsed content (which is copied)
 * @throws TokenizerError naming the first fault: JSON, structure, vocabulary, or something the library cannot do
 * @example
 * const tokenizer = loadTokenizer(trainCharacterTokenizer("abc"));
 * tokenizer.decode(tokenizer.encode("cab")); // "cab"
 */
export function loadTokenizer(json: unknown): Tokenizer {
  return new LoadedTokenizer(readTokenizerFile("loadTokenizer", json));
}
