import { TokenizerError } from "./errors.ts";

const MAX_DEPTH = 64;

/** Throws if brackets outside strings nest deeper than the limit: readers of deep JSON overflow the stack. */
function checkDepth(caller: string, text: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (inString) {
      if (c === 0x5c) at++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) {
        throw new TokenizerError(
          "json",
          `${caller}: file is nested too deeply at character ${at}, expected at most ${MAX_DEPTH} levels. It is not a tokenizer.json`,
        );
      }
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
}

/**
 * The value of a JSON text, or a copy of a value that JSON can hold.
 *
 * @throws TokenizerError (json) if it is not JSON, or nested deeper than 64 levels
 */
export function toPlainJson(caller: string, file: unknown): unknown {
  const fail = (problem: string, cause?: unknown): never => {
    const reason = cause instanceof Error ? ` (${cause.message.split("\n", 1)[0]})` : "";
    throw new TokenizerError(
      "json",
      `${caller}: file is ${problem}${reason}, expected the content of a tokenizer.json. Download or write it again`,
      { cause },
    );
  };
  let text: string;
  try {
    text = typeof file === "string" ? file : (JSON.stringify(file) ?? fail(`of type ${typeof file}`));
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    return fail("no value that JSON can hold", error); // cyclic, holding a bigint, or too deep
  }
  checkDepth(caller, text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    return fail("not valid JSON", error);
  }
}
