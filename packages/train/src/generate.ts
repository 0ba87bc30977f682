import type { SequenceCache } from "@heed/attention";
import { data, dispose, fromArray, type Rng, rng as rngOf, scope, type Tensor } from "@heed/tensor";
import { nextTask } from "./next-task.ts";
import { greedy, type Sampler } from "./sampling.ts";
import type { StopSignal } from "./stop-signal.ts";

/** A model as generation sees it: the decoders of `@heed/models`, and the `decoding` of its encoder-decoders. */
export interface CausalModel {
  /** tokens in one sequence at most */
  readonly maxSeqLen: number;
  readonly vocabSize: number;
  createCache(): SequenceCache;
  forward(tokens: Tensor, options: { readonly cache: SequenceCache; readonly lastOnly: true }): Tensor;
}

/** What {@link generate} takes. */
export interface GenerateOptions {
  readonly model: CausalModel;
  /** token ids, one list per row of the batch, all of one length >= 1 */
  readonly prompts: readonly Int32Array[];
  /** tokens to add, whole number >= 0 */
  readonly maxNewTokens: number;
  /** default greedy() */
  readonly sampler?: Sampler;
  /** for samplers that draw; default rng(0) */
  readonly rng?: Rng;
  /** each ends a row; the batch ends when every row has ended, and until then ended rows repeat their last token */
  readonly stopTokens?: readonly number[];
  /** ends before the next token */
  readonly signal?: StopSignal;
}

/** One token for each row. */
export interface GeneratedStep {
  /** [B] */
  readonly tokens: Int32Array;
  /** what each was picked from: B arrays [V] */
  readonly logits: readonly Float32Array[];
}

/**
 * Continues prompts token by token, with cached keys and values.
 *
 * A context that is full goes on with its second half: learned positions end at `maxSeqLen`, so the last
 * floor(maxSeqLen / 2) tokens are read again from position 0.
 * @throws RangeError for prompts that are empty, of different lengths, longer than the model's context or outside its vocabulary
 * @example
 * for await (const { tokens } of generate({ model, prompts: [prompt], maxNewTokens: 100 })) console.log(tokens[0]);
 */
export async function* generate(options: GenerateOptions): AsyncGenerator<GeneratedStep, void, void> {
  const { model, prompts, maxNewTokens, sampler = greedy(), rng = rngOf(0), stopTokens = [], signal } = options;
  checkOptions(options);
  const rows = prompts.map((prompt) => [...prompt]);
  const ended = rows.map(() => false);
  const cache = model.createCache();
  try {
    let fresh = rows;
    for (let made = 0; made < maxNewTokens; made++) {
      await nextTask();
      if (signal?.aborted) return;
      const logits = await nextLogits(model, cache, fresh);
      const tokens = Int32Array.from(logits, (row, i) => (ended[i] ? rows[i]!.at(-1)! : sampler(row, rng)));
      tokens.forEach((token, i) => {
        rows[i]!.push(token);
        ended[i] ||= stopTokens.includes(token);
      });
      yield { tokens, logits };
      if (ended.every(Boolean)) return;
      fresh = rows.map((row) => row.slice(-1));
      if (cache.length === model.maxSeqLen) {
        cache.reset();
        fresh = rows.map((row) => row.slice(-Math.max(1, Math.floor(model.maxSeqLen / 2))));
      }
    }
  } finally {
    cache.dispose();
  }
}

function checkOptions({ model, prompts, maxNewTokens }: GenerateOptions): void {
  if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new RangeError(`generate: maxNewTokens is out of range, expected a whole number >= 0, got ${maxNewTokens}`);
  }
  const length = prompts[0]?.length ?? 0;
  if (length === 0)
    throw new RangeError(
      "generate: prompts is empty, expected at least one prompt with at least one token. Give a prompt",
    );
  if (length > model.maxSeqLen) {
    throw new RangeError(
      `generate: prompts[0] has ${length} tokens, expected at most ${model.maxSeqLen} (the model's context). Shorten it`,
    );
  }
  prompts.forEach((prompt, i) => {
    if (prompt.length !== length)
      throw new RangeError(`generate: prompts[${i}] has ${prompt.length} tokens, expected ${length} (from prompts[0])`);
    const outside = prompt.find((token) => token < 0 || token >= model.vocabSize);
    if (outside !== undefined)
      throw new RangeError(`generate: prompts[${i}] has token ${outside}, expected ids in 0..${model.vocabSize - 1}`);
  });
}

/** Logits of the last position of each row. */
async function nextLogits(
  model: CausalModel,
  cache: SequenceCache,
  rows: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const [B, T] = [rows.length, rows[0]!.length];
  const logits = scope(() => model.forward(fromArray(Int32Array.from(rows.flat()), [B, T]), { cache, lastOnly: true }));
  const values = (await data(logits)) as Float32Array;
  const V = logits.shape.at(-1)!;
  dispose(logits);
  return rows.map((_, i) => values.slice(i * V, (i + 1) * V));
}
