import type { LogitsProcessor } from "./logits-processor.ts";

/**
 * Makes tokens that the row has already, prompt included, less probable: positive logits are divided, negative ones multiplied.
 *
 * Shapes: logits [V].
 * @param penalty finite, > 0; above 1 discourages repetition, 1 changes nothing
 * @throws RangeError if it is not
 * @see Keskar et al. 2019, CTRL, section 4.1, arXiv:1909.05858; the multiplication of negative logits is that of Hugging
 *   Face transformers.
 * @example
 * for await (const { tokens } of generate({ model, prompts: [prompt], maxNewTokens: 10, processors: [repetitionPenalty(1.2)] }))
 *   console.log(tokens[0]);
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  if (!(penalty > 0 && penalty < Infinity))
    throw new RangeError(
      `repetitionPenalty: penalty is out of range, expected a finite number > 0, got ${penalty}. 1 changes nothing`,
    );
  return (logits, { tokens }) => {
    for (const id of new Set(tokens)) logits[id] = logits[id]! < 0 ? logits[id]! * penalty : logits[id]! / penalty;
  };
}
