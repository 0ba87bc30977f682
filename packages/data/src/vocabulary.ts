import { show, TokenizerError } from "./errors.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

/** A token with the id that some place of the file gives it. */
type Entry = readonly [token: string, id: unknown];

/** The model's tokens; the rules saw to it that a list holds [token, score] pairs, whose place is the id. */
function modelEntries({ model }: TokenizerFile): Entry[] {
  if (!Array.isArray(model.vocab)) return Object.entries(model.vocab as object);
  return (model.vocab as readonly (readonly [string, number])[]).map(([token], id) => [token, id]);
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
  let highest = -1;
  const add = ([token, id]: Entry, place: string, mayRepeat: boolean): void => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0)
      fault(caller, `${place}: token ${show(token)} has a wrong id, expected a whole number >= 0, got ${show(id)}`);
    const known = ids.get(token);
    if (known !== undefined && !(mayRepeat && known === id))
      fault(caller, `${place}: token ${show(token)} has the id ${id}, expected one id a token, got ${known} before`);
    ids.set(token, id);
    highest = Math.max(highest, id);
  };
  for (const entry of modelEntries(file)) add(entry, "model.vocab", false);
  for (const { content, id } of file.added_tokens) add([content, id], "added_tokens", true);
  if (ids.size === 0) fault(caller, "model.vocab has no token, expected at least one, got none");
  // Ids are compared with the number of tokens before any is used as an index: a claimed id allocates nothing.
  if (highest >= ids.size)
    fault(
      caller,
      `the highest id is ${highest}, expected ${ids.size - 1} (from ${ids.size} tokens), so that the ids have no holes`,
    );
  const tokens = new Array<string | undefined>(ids.size);
  for (const [token, id] of ids) {
    if (tokens[id] !== undefined)
      fault(caller, `tokens ${show(tokens[id])} and ${show(token)} share the id ${id}, expected one token an id`);
    tokens[id] = token;
  }
  return tokens as string[];
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
    if (unknown >= model.vocab.length)
      fault(
        caller,
        `model.unk_id is out of range, expected an id below ${model.vocab.length} (from model.vocab), got ${unknown}`,
      );
  }
  if (model.type !== "BPE") return;
  for (const [i, merge] of (model["merges"] as readonly (string | readonly [string, string])[]).entries()) {
    const [left, right] = typeof merge === "string" ? (merge.split(" ") as [string, string]) : merge;
    for (const token of [left, right, left + right]) {
      if (!ids.has(token))
        fault(
          caller,
          `model.merges[${i}] needs the token ${show(token)}, expected one of model.vocab, got ${show(merge)}`,
        );
    }
  }
}
