import { type Gpt2Config, gpt2 } from "@heed/models";
import { countParameters } from "@heed/nn";
import { createMetaBackend, withBackend } from "@heed/tensor";
import { wrongUse } from "../errors.ts";

/** What 32-bit WebAssembly can address. */
export const mostBytes = 2 ** 32;

/** Weight, gradient, and AdamW's two averages, in float32. */
const bytesPerParameter = 16;

/**
 * Roughly what a training step keeps in memory, in bytes: a lower bound, for refusing what cannot fit.
 *
 * A block keeps about 16 values a token and unit of width for the backward pass: two norms, queries, keys and values,
 * their mix, the feed-forward layer before and after its activation, two sums. The head keeps logits and their gradient.
 * Attention with dropout keeps what it draws for every pair of tokens, six times over; without, nothing.
 */
export function trainingBytes(config: Gpt2Config, batch: number): { parameters: number; bytes: number } {
  const { vocabSize, maxSeqLen, dModel, numLayers, numHeads, attentionDropout = 0 } = config;
  const parameters = countParameters(withBackend(createMetaBackend(), () => gpt2(config, null)));
  const tokens = batch * maxSeqLen;
  const pairs = attentionDropout > 0 ? 6 * numLayers * numHeads * maxSeqLen : 0;
  const activations = 4 * tokens * (16 * numLayers * dModel + pairs + 2 * vocabSize);
  return { parameters, bytes: bytesPerParameter * parameters + activations };
}

const gibibytes = (bytes: number): string =>
  `${(bytes / 2 ** 30).toLocaleString("en", { maximumSignificantDigits: 3 })} GiB`;

/** @throws CliError if a training step cannot fit in WebAssembly's memory; nothing is allocated */
export function expectFits(config: Gpt2Config, batch: number): void {
  const { parameters, bytes } = trainingBytes(config, batch);
  if (bytes <= mostBytes) return;
  throw wrongUse(
    `train: the model is too large, expected at most ${gibibytes(mostBytes)} (what WebAssembly can address), got about ${gibibytes(bytes)} for ${parameters.toLocaleString("en")} parameters and --batch ${batch} of --context ${config.maxSeqLen}. Lower --batch (--accumulate makes up for it), --context, --width or --layers`,
  );
}
