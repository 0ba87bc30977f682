import { forbidOthers, type LogitsProcessor } from "./logits-processor.ts";
import { checkInVocabulary, checkTokenIds } from "./token-ids.ts";

/**
 * Makes a token the only one, with logit 0, in rows of one token: the first after the token that starts a target, such as
 * the language of a translation.
 *
 * A longer prompt has its beginning already, and is left alone.
 *
 * Shapes: logits [V].
 * @param token id
 * @throws RangeError if it is no whole number >= 0; while generating, if it is outside the vocabulary
 * @see `forced_bos_token_id` of Hugging Face transformers; Liu et al. 2020, Multilingual Denoising Pre-training for Neural
 *   Machine Translation, section 2.2 (a target begins with its language), arXiv:2001.08210.
 * @example
 * const german = generate({ model, prompts: [Int32Array.of(0)], maxNewTokens: 9, processors: [forcedFirstToken(5)] });
 */
export function forcedFirstToken(token: number): LogitsProcessor {
  checkTokenIds("forcedFirstToken", "token", [token]);
  return (logits, { tokens }) => {
    checkInVocabulary("forcedFirstToken", [token], logits);
    if (tokens.length !== 1) return;
    logits[token] = 0;
    forbidOthers(logits, [token]);
  };
}
