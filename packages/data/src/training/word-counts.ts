import { Tokenizer as Library } from "@huggingface/tokenizers";
import { showCharacter, TokenizerError } from "../errors.ts";
import { findLoneSurrogate } from "../surrogates.ts";
import type { TokenizerComponent } from "../tokenizer-file.ts";

/** Texts to train on, each whole: a word never runs from one into the next. */
export type Texts = Iterable<string> | AsyncIterable<string>;

/** How far training has come. */
export interface TrainingProgress {
  readonly stage: "read" | "learn";
  /** UTF-16 code units read, or tokens learned */
  readonly done: number;
}

/** The steps before the model, as `tokenizer.json` writes them. */
export interface Preparation {
  readonly normalizer: TokenizerComponent | null;
  readonly preTokenizer: TokenizerComponent | null;
}

interface Parts {
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string) => string[]) | null;
}

/** The library's own steps, so that training cuts a text exactly as encoding does. */
function prepare({ normalizer, preTokenizer }: Preparation): (text: string) => string[] {
  const model = { type: "WordLevel", vocab: { "<unk>": 0 }, unk_token: "<unk>" };
  const file = {
    added_tokens: [],
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: null,
    model,
  };
  const parts = new Library(file, {}) as unknown as Parts;
  return (text) => {
    const normal = parts.normalizer ? parts.normalizer(text) : text;
    return parts.pre_tokenizer ? parts.pre_tokenizer(normal) : [normal];
  };
}

/** How many code units of a text are cut into words at once. */
const reportEvery = 1 << 20;

/**
 * How often each word occurs. Only the distinct words are held, so texts of any length can be streamed.
 *
 * @throws TypeError if a text is not a string; TokenizerError (text) if one has a surrogate without its partner, or if there is no word at all
 */
export async function countWords(
  caller: string,
  texts: Texts,
  {
    preparation,
    onProgress,
  }: { readonly preparation: Preparation; readonly onProgress?: ((progress: TrainingProgress) => void) | undefined },
): Promise<Map<string, number>> {
  if (typeof texts === "string")
    throw new TypeError(`${caller}: texts is a string, expected a list or stream of texts. Write [text]`);
  const wordsOf = prepare(preparation);
  const counts = new Map<string, number>();
  let [done, reported, index] = [0, 0, 0];
  for await (const text of texts) {
    checkText(caller, text, index++);
    for (const word of wordsOf(text)) if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
    done += text.length;
    if (done - reported < reportEvery) continue;
    onProgress?.({ stage: "read", done });
    reported = done;
  }
  onProgress?.({ stage: "read", done });
  if (counts.size > 0) return counts;
  throw new TokenizerError(
    "text",
    `${caller}: texts hold no word, expected at least one, got ${index} texts of ${done} characters. Give the text to train on`,
  );
}

function checkText(caller: string, text: unknown, index: number): asserts text is string {
  if (typeof text !== "string")
    throw new TypeError(`${caller}: texts[${index}] is of type ${typeof text}, expected a string`);
  const lone = findLoneSurrogate(text);
  if (lone < 0) return;
  throw new TokenizerError(
    "text",
    `${caller}: texts[${index}] has a surrogate without its partner at position ${lone}, expected Unicode text, got ${showCharacter(text[lone]!)}. Decode the file again as UTF-8`,
  );
}
