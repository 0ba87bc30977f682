import type { Tokenizer } from "@heed/data";

/** Tokens that are decoded again for each new one, so that it gets the text it has after them. */
const memory = 16;

/**
 * Turns tokens into text as they come: what `push` and `end` return, joined, is the text of all tokens.
 *
 * A character that several tokens make is given when it is whole.
 */
export function textStream(tokenizer: Tokenizer): { push(id: number): string; end(): string } {
  let ids: number[] = [];
  let shown = 0;
  const pending = (isLast: boolean): string => {
    const text = tokenizer.decode(ids);
    if (text.endsWith("\uFFFD") && !isLast) return "";
    const more = text.slice(shown);
    // Old tokens are dropped where the text of the rest does not depend on them.
    const recent = ids.slice(-memory);
    const rest = ids.length > 2 * memory ? tokenizer.decode(recent) : "";
    if (rest !== "" && text.endsWith(rest)) [ids, shown] = [recent, rest.length];
    else shown = text.length;
    return more;
  };
  return {
    push(id) {
      ids.push(id);
      return pending(false);
    },
    end: () => (ids.length === 0 ? "" : pending(true)),
  };
}
