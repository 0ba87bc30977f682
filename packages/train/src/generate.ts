import { type Rng, rng as rngOf } from "@heed/tensor";
import { BatchReader } from "./batch-reader.ts";
import { applyProcessors, type ContinuationOptions, checkContinuation, noToken } from "./continuation.ts";
import { nextTask } from "./next-task.ts";
import { greedy, type Sampler } from "./sampling.ts";

/** What {@link generate} takes. */
export interface GenerateOptions extends ContinuationOptions {
  /** default greedy() */
  readonly sampler?: Sampler;
  /** for samplers that draw; default rng(0) */
  readonly rng?: Rng;
  /** what rows that have ended go on with until all have; default their last token */
  readonly paddingId?: number;
}

/** One token for each row. */
export interface GeneratedStep {
  /** [B] */
  readonly tokens: Int32Array;
  /** what the model gave, before processors: B arrays [V] */
  readonly logits: readonly Float32Array[];
}

/**
 * Continues prompts token by token, with cached keys and values.
 *
 * Prompts of unequal length are padded on the left; their rows get what each would get alone, as far as float32 rounds alike.
 * The batch ends when every row has ended or `maxNewTokens` are made.
 *
 * A context that is full goes on with its second half: learned positions end at `maxSeqLen`, so the last
 * floor(maxSeqLen / 2) tokens of each row are read again from position 0. A shorter row of a batch is cut with the longest.
 * @throws RangeError for prompts that are empty, longer than the model's context, outside its vocabulary or without the prefix;
 *   for maxNewTokens that is no whole number: the request could not end; for processors that leave no token
 * @example
 * for await (const { tokens } of generate({ model, prompts: [prompt], maxNewTokens: 100 })) console.log(tokens[0]);
 */
export async function* generate(options: GenerateOptions): AsyncGenerator<GeneratedStep, void, void> {
  checkContinuation("generate", options);
  const { model, prompts, maxNewTokens, sampler = greedy(), rng = rngOf(0), processors = [], paddingId } = options;
  const { stopTokens = [], stopWhen, prefix, signal } = options;
  const rows = prompts.map((prompt, index) => ({
    ...{ index, tokens: [...prompt], promptLength: prompt.length },
    ...{ maxNewTokens, stopTokens },
  }));
  const ended = rows.map(() => false);
  const reader = new BatchReader(model, rows.length, prefix);
  try {
    let fresh = rows.map(({ tokens }) => tokens.slice(prefix?.tokens.length ?? 0));
    for (let made = 0; made < maxNewTokens; made++) {
      await nextTask();
      if (signal?.aborted) return;
      const logits = await reader.read(fresh);
      const tokens = Int32Array.from(rows, (row, i) => {
        if (ended[i]) return paddingId ?? row.tokens.at(-1)!;
        const processed = applyProcessors(processors, logits[i]!, row);
        if (!processed) throw noToken("generate", row);
        return sampler(processed, rng);
      });
      rows.forEach((row, i) => {
        row.tokens.push(tokens[i]!);
        ended[i] ||= stopTokens.includes(tokens[i]!) || (stopWhen?.(row) ?? false);
      });
      yield { tokens, logits };
      if (ended.every(Boolean)) return;
      fresh = rows.map((row) => row.tokens.slice(-1));
      if (reader.isFull) {
        reader.reset();
        fresh = rows.map((row) => row.tokens.slice(-Math.max(1, Math.floor(model.maxSeqLen / 2))));
      }
    }
  } finally {
    reader.dispose();
  }
}
