import { assignSlice, formatShape, isTracked, keep, ShapeError, scope, slice, type Tensor, zeros } from "@heed/tensor";
import type { LayerCache, SequenceCache, StoredKeys } from "./layer-cache.ts";
import { pick as pickRows } from "./projections/keep-rows.ts";

/** Places are added this many at a time: the whole is copied once in as many steps. */
const growth = 64;

/**
 * Keys and values of earlier tokens, for all layers of a model, so that a decoding step computes only the new ones.
 *
 * A call of the model first calls `extend` with the positions of its tokens, then each layer calls `append`. New rows are
 * written in place; room grows by 64 positions at a time, up to `maxSeqLen`, so that a step copies only its own rows.
 *
 * Not differentiable. Owns its tensors: they survive scopes until `dispose`.
 *
 * Shapes: keys [B, G, T, D] and values [B, G, T, Dv] of T new tokens; all of them [B, G, S, D], S up to `maxSeqLen`.
 * Cost: a call copies its own rows; every 64th position also the rows before.
 * @see Shazeer 2019, Fast Transformer Decoding, section 2.4.1 (incremental multi-head attention), arXiv:1911.02150.
 * @example
 * const cache = new KeyValueCache({ numLayers: 12, maxSeqLen: 1024 });
 */
export class KeyValueCache implements SequenceCache {
  readonly maxSeqLen: number;
  /** one per attention layer */
  readonly layers: readonly LayerCache[];
  private readonly stored: Stored[];
  private positions: Tensor | undefined;
  private filledLength = 0;

  /** @throws RangeError if a number is not whole and >= 1 */
  constructor({ numLayers, maxSeqLen }: { readonly numLayers: number; readonly maxSeqLen: number }) {
    for (const [name, value] of Object.entries({ numLayers, maxSeqLen })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`KeyValueCache: ${name} is out of range, expected a whole number >= 1, got ${value}`);
    }
    this.maxSeqLen = maxSeqLen;
    this.stored = Array.from({ length: numLayers }, () => ({ keys: undefined, values: undefined }));
    this.layers = this.stored.map((stored, layer) => ({
      append: (keys, values) => this.append(stored, layer, keys, values),
    }));
  }

  /** Tokens stored. */
  get length(): number {
    return this.filledLength;
  }

  private get capacity(): number {
    return Math.min(this.maxSeqLen, Math.ceil(this.filledLength / growth) * growth);
  }

  /**
   * Makes room for tokens at `positions`; returns the positions of all tokens, new ones last.
   *
   * Shapes: positions int32 [T] or [B, T], the same rank in every call -> [S] or [B, S].
   * @throws RangeError if they are more than `maxSeqLen` in all
   */
  extend(positions: Tensor): Tensor {
    const T = positions.shape.at(-1)!;
    const start = this.filledLength;
    if (start + T > this.maxSeqLen) {
      throw new RangeError(
        `KeyValueCache: positions has ${T} more after ${start}, expected at most maxSeqLen=${this.maxSeqLen} in all, got ${start + T}. Shorten the text or start over with reset`,
      );
    }
    const lead = positions.shape.slice(0, -1);
    const stored = this.positions?.shape.slice(0, -1);
    if (stored && formatShape(stored) !== formatShape(lead)) {
      throw new ShapeError(
        `KeyValueCache: positions has shape ${formatShape(positions.shape)}, expected ${formatShape([...stored, T])} (from the positions of earlier calls)`,
      );
    }
    this.filledLength += T;
    this.positions = resize(this.positions, [...lead, this.capacity], positions);
    assignSlice(this.positions, positions, [...lead.map(() => 0), start]);
    return slice(this.positions, [...lead.map(() => 0), 0], [...lead, this.filledLength]);
  }

  private append(stored: Stored, layer: number, keys: Tensor, values: Tensor): StoredKeys {
    for (const [argument, x] of Object.entries({ keys, values }))
      this.check(layer, argument, x, stored[argument as "keys" | "values"]);
    const T = keys.shape[2]!;
    const place = (old: Tensor | undefined, x: Tensor): Tensor => {
      const all = resize(old, [x.shape[0]!, x.shape[1]!, this.capacity, x.shape[3]!], x);
      assignSlice(all, x, [0, 0, this.filledLength - T, 0]);
      return all;
    };
    stored.keys = place(stored.keys, keys);
    stored.values = place(stored.values, values);
    return { keys: stored.keys, values: stored.values, length: this.filledLength };
  }

  private check(layer: number, argument: string, x: Tensor, stored: Tensor | undefined): void {
    if (isTracked(x))
      throw new TypeError(
        `KeyValueCache: ${argument} of layer ${layer} are being differentiated, expected inference. Train without a cache`,
      );
    const [B, G, T, D] = x.shape;
    const fits =
      x.shape.length === 4 &&
      T! <= this.filledLength &&
      (!stored || (stored.shape[0] === B && stored.shape[1] === G && stored.shape[3] === D));
    if (fits) return;
    const expected = stored ? `[${stored.shape[0]}, ${stored.shape[1]}, T, ${stored.shape[3]}]` : "[B, G, T, D]";
    throw new ShapeError(
      `KeyValueCache: ${argument} of layer ${layer} has shape ${formatShape(x.shape)}, expected ${expected} with T <= ${this.filledLength} (from extend). Call extend first, and reset between batches`,
    );
  }

  /** A cache of its own with rows `indices` of this one, in that order: for a beginning that several texts share. Repeats are allowed. */
  copy(indices: readonly number[]): KeyValueCache {
    const { maxSeqLen, stored } = this;
    const copied = new KeyValueCache({ numLayers: stored.length, maxSeqLen });
    copied.filledLength = this.filledLength;
    copied.stored.forEach((layer, i) => {
      layer.keys = rowsOf(stored[i]!.keys, indices);
      layer.values = rowsOf(stored[i]!.values, indices);
    });
    const [places, ...rest] = this.positions?.shape ?? [];
    copied.positions = rowsOf(this.positions, rest.length > 0 ? indices : [...new Array(places).keys()]);
    return copied;
  }

  /** Keeps only rows `indices` of the batch, in that order: for beam search. Repeats are allowed. */
  reorder(indices: readonly number[]): void {
    const pick = (x: Tensor | undefined): Tensor | undefined => {
      const picked = rowsOf(x, indices);
      x?.dispose();
      return picked;
    };
    for (const stored of this.stored) {
      stored.keys = pick(stored.keys);
      stored.values = pick(stored.values);
    }
    if (this.positions?.shape.length === 2) this.positions = pick(this.positions);
  }

  /** Forgets everything and frees the memory. The cache can be used again. */
  reset(): void {
    for (const stored of this.stored) {
      stored.keys?.dispose();
      stored.values?.dispose();
      stored.keys = stored.values = undefined;
    }
    this.positions?.dispose();
    this.positions = undefined;
    this.filledLength = 0;
  }

  /** As `reset`. */
  dispose(): void {
    this.reset();
  }
}

interface Stored {
  keys: Tensor | undefined;
  values: Tensor | undefined;
}

/** Rows of `x` in a tensor of its own. */
function rowsOf(x: Tensor | undefined, indices: readonly number[]): Tensor | undefined {
  return x && scope(() => keep(pickRows(x, indices, 0)));
}

/** `x` in a larger zero-filled tensor of its own, which replaces it; `x` itself where it has that shape. */
function resize(x: Tensor | undefined, shape: readonly number[], like: Tensor): Tensor {
  if (x && formatShape(x.shape) === formatShape(shape)) return x;
  const larger = keep(zeros(shape, { dtype: like.dtype, backend: like.backend }));
  if (x) {
    assignSlice(
      larger,
      x,
      shape.map(() => 0),
    );
    x.dispose();
  }
  return larger;
}
