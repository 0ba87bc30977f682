import type { SequenceCache } from "@heed/attention";
import { data, dispose, fromArray, scope } from "@heed/tensor";
import type { CausalModel } from "./causal-model.ts";
import type { Prefix } from "./prefix.ts";

/** Goes into places that are padding: any token of the vocabulary, as nothing sees it. */
const hiddenToken = 0;

/**
 * Reads the rows of a batch piece by piece: pads shorter pieces on the left, counts positions, keeps keys and values.
 *
 * Rows of equal length are read without positions and padding, as a model's defaults have them.
 */
export class BatchReader {
  private readonly model: CausalModel;
  private readonly cache: SequenceCache;
  /** of each row, which places of the cache hold real tokens; undefined while all rows are of one length */
  private real: boolean[][] | undefined;

  /** `prefix` stands for the first tokens of all of `numRows` rows: they are not read again. */
  constructor(model: CausalModel, numRows: number, prefix?: Prefix) {
    this.model = model;
    this.cache = prefix ? prefix.createCache(numRows) : model.createCache();
    if (prefix) this.real = Array.from({ length: numRows }, () => prefix.tokens.map(() => true));
  }

  get isFull(): boolean {
    return this.cache.length === this.model.maxSeqLen;
  }

  /** Logits of the last token of each row, [V] each. */
  async read(rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const logits = scope(() => this.forward(rows));
    const values = (await data(logits)) as Float32Array;
    const V = logits.shape.at(-1)!;
    dispose(logits);
    return rows.map((_, i) => values.slice(i * V, (i + 1) * V));
  }

  private forward(rows: readonly (readonly number[])[]) {
    const [B, T] = [rows.length, Math.max(...rows.map((row) => row.length))];
    const missing = rows.map((row) => T - row.length);
    const padded = rows.flatMap((row, b) => [...new Array<number>(missing[b]!).fill(hiddenToken), ...row]);
    const tokens = fromArray(Int32Array.from(padded), [B, T]);
    const { cache } = this;
    if (cache.length === 0 && missing.some(Boolean)) this.real = rows.map(() => []);
    if (!this.real) return this.model.forward(tokens, { cache, lastOnly: true });
    const seen = this.real.map((places) => places.filter(Boolean).length);
    const positions = rows.flatMap((row, b) => [
      ...new Array<number>(missing[b]!).fill(0),
      ...row.map((_, i) => seen[b]! + i),
    ]);
    for (const [b, places] of this.real.entries()) for (let i = 0; i < T; i++) places.push(i >= missing[b]!);
    return this.model.forward(tokens, {
      ...{ cache, lastOnly: true },
      positions: fromArray(Int32Array.from(positions), [B, T]),
      padding: fromArray(this.real.flat().map(Number), [B, cache.length + T], { dtype: "bool" }),
    });
  }

  /** Goes on with rows `indices` of the batch, in that order. Repeats are allowed. */
  reorder(indices: readonly number[]): void {
    this.cache.reorder(indices);
    this.real = this.real && indices.map((index) => [...this.real![index]!]);
  }

  /** Forgets what was read. */
  reset(): void {
    this.cache.reset();
    this.real = undefined;
  }

  dispose(): void {
    this.cache.dispose();
  }
}
