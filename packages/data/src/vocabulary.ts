import { TokenizerError, show } from "./errors.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

/** Tokens with the ids the file gives them, the model's first. */
function* entriesOf({ model, added_tokens }: TokenizerFile): Generator<readonly [token: string, id: unknown, path: string]> {
  if (Array.isArray(model.vocab)) {
    // The rules saw to it that these are [token, score] pairs; the place in the list is the id.
    for (const [id, [token]] of (model.vocab as readonly (readonly [string, number])[]).entries()) yield [token, id, `model.vocab[${id}]`];
  } else {
    for (const [token, id] of Object.entries(model.vocab as object)) yield [token, id, `model.vocab[${show(token)}]`];
  }
  for (const [i, { content, id }] of added_tokens.entries()) yield [content, id, `added_tokens[${i}]`];
}

function fault(caller: string, problem: string): never {
  throw new TokenizerError("vocabulary", `${caller}: ${problem}. Check the file, or write it again`);
}

/**
 * The tokens of a file in the order of their ids.
 *
 * @throws TokenizerError (vocabulary) unless the ids are 0, 1, 2, ... and tokens and ids belong to each other one to one
 */
export function readVocabulary(caller: string, file: TokenizerFile): string[] {
  const ids = new Map<string, number>();
  const tokens: string[] = [];
  let highest = -1;
  for (const [token, id, path] of entriesOf(file)) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0) fault(caller, `${path} is wrong, expected a whole number >= 0, got ${show(id)}`);
    const known = ids.get(token);
    const listed = path.startsWith("added_tokens");
    if (known !== undefined && !(listed && known === id)) fault(caller, `${path} gives token ${show(token)} the id ${id}, expected one id a token, got ${known} before`);
    ids.set(token, id);
    highest = Math.max(highest, id);
  }
  if (ids.size === 0) fault(caller, "model.vocab has no token, expected at least one, got none");
  // Ids are compared with the number of tokens before any is used as an index: a claimed id allocates nothing.
  if (highest >= ids.size) fault(caller, `the highest id is ${highest}, expected ${ids.size - 1} (from ${ids.size} tokens), so that the ids have no holes`);
  for (const [token, id] of ids) {
    if (tokens[id] !== undefined) fault(caller, `tokens ${show(tokens[id])} and ${show(token)} share the id ${id}, expected one token an id`);
    tokens[id] = token;
  }
  return tokens;
}

/**
 * Checks what else names tokens: every merge of a BPE model joins two tokens into a third, and the unknown token of a
 * Unigram model is one.
 *
 * @throws TokenizerError (vocabulary) naming the first that does not
 */
export function checkReferences(caller: string, { model }: TokenizerFile, ids: ReadonlyMap<string, number>): void {
  if (Array.isArray(model.vocab)) {
    const unknown = model["unk_id"] as number;
    if (unknown >= model.vocab.length) fault(caller, `model.unk_id is out of range, expected an id below ${model.vocab.length} (from model.vocab), got ${unknown}`);
  }
  if (model.type !== "BPE") return;
  for (const [i, merge] of (model["merges"] as readonly (string | readonly [string, string])[]).entries()) {
    const [left, right] = typeof merge === "string" ? (merge.split(" ") as [string, string]) : merge;
    for (const token of [left, right, left + right]) {
      if (!ids.has(token)) fault(caller, `model.merges[${i}] needs the token ${show(token)}, expected one of model.vocab, got ${show(merge)}`);
    }
  }
}
