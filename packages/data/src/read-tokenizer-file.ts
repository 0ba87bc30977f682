import { tokenizerFileRule } from "./components.ts";
import { TokenizerError } from "./errors.ts";
import { toPlainJson } from "./parse-json.ts";
import { expectRule, type Fields, fieldOf, isFields } from "./rules.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

/** The model's type, which old files leave out. */
function modelType(model: Fields): unknown {
  const type = fieldOf(model, "type");
  if (type !== undefined) return type;
  if (Array.isArray(fieldOf(model, "vocab"))) return "Unigram";
  if (fieldOf(model, "merges") !== undefined) return "BPE";
  return fieldOf(model, "continuing_subword_prefix") !== undefined ? "WordPiece" : "WordLevel";
}

/**
 * Checks the content of a `tokenizer.json`, and fills in what may be left out.
 *
 * @throws TokenizerError (json or structure) naming the first fault
 */
export function readTokenizerFile(caller: string, json: unknown): TokenizerFile {
  const given = toPlainJson(caller, json);
  if (!isFields(given)) {
    throw new TokenizerError(
      "structure",
      `${caller}: file is ${Array.isArray(given) ? "a list" : String(given)}, expected an object, the content of a tokenizer.json. Check the path`,
    );
  }
  const model = fieldOf(given, "model");
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...given,
    added_tokens: fieldOf(given, "added_tokens") ?? [],
    model: isFields(model) ? { ...model, type: modelType(model) } : model,
  };
  expectRule(caller, tokenizerFileRule, file, "file");
  return file as unknown as TokenizerFile; // the rule has just proved it
}
