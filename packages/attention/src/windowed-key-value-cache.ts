import {
  assignSlice,
  concatenate,
  formatShape,
  isTracked,
  keep,
  ShapeError,
  scope,
  slice,
  type Tensor,
  zeros,
} from "@heed/tensor";
import type { LayerCache, SequenceCache, StoredKeys } from "./layer-cache.ts";
import { checkWhole } from "./masks/check-whole.ts";
import { pick } from "./projections/keep-rows.ts";

/** Options of {@link WindowedKeyValueCache}. */
export interface WindowedKeyValueCacheOptions {
  readonly numLayers: number;
  /** tokens kept: those that the model's sliding window can still see */
  readonly windowSize: number;
}

/**
 * Keys and values of the last `windowSize` tokens, for all layers of a model: memory stays the same however long the text.
 *
 * For models whose mask has `slidingWindow({ windowSize })`, with the same size or less. New rows overwrite the oldest in a ring, so
 * keys are not in order of position: masks that compare positions do not mind, masks by place (`padding`, `blockDiagonal`) do.
 *
 * Not differentiable. Owns its tensors: they survive scopes until `dispose`.
 *
 * Shapes: keys [B, G, T, D] and values [B, G, T, Dv] of T new tokens; returned [B, G, S, D], S = windowSize for one token at
 * a time, else the tokens kept before and the new ones.
 * @see Jiang et al. 2023, Mistral 7B, section 2 (rolling buffer cache), arXiv:2310.06825.
 * @example
 * const cache = new WindowedKeyValueCache({ numLayers: 12, windowSize: 256 });
 */
export class WindowedKeyValueCache implements SequenceCache {
  readonly windowSize: number;
  /** one per attention layer */
  readonly layers: readonly LayerCache[];
  private readonly rings: { keys: Ring | undefined; values: Ring | undefined }[];
  private positions: Ring | undefined;
  private seen = 0;
  private added = 0;

  /** @throws RangeError if a number is not whole and >= 1 */
  constructor({ numLayers, windowSize }: WindowedKeyValueCacheOptions) {
    checkWhole("WindowedKeyValueCache", "numLayers", numLayers, 1);
    checkWhole("WindowedKeyValueCache", "windowSize", windowSize, 1);
    this.windowSize = windowSize;
    this.rings = Array.from({ length: numLayers }, () => ({ keys: undefined, values: undefined }));
    this.layers = this.rings.map((_, layer) => ({ append: (keys, values) => this.append(layer, keys, values) }));
  }

  /** Tokens seen, those forgotten included. */
  get length(): number {
    return this.seen;
  }

  /**
   * Takes tokens at `positions`; returns the positions of all keys that `append` will return.
   *
   * Shapes: positions int32 [T] or [B, T], the same rank in every call -> [S] or [B, S].
   */
  extend(positions: Tensor): Tensor {
    this.added = positions.shape.at(-1)!;
    this.seen += this.added;
    const axis = positions.shape.length - 1;
    this.positions ??= new Ring("positions", positions, axis, this.windowSize);
    const { all, length } = this.positions.add(positions, this.seen);
    const sizes = [...all.shape.slice(0, -1), length];
    return all.shape.at(-1) === length
      ? all
      : slice(
          all,
          sizes.map(() => 0),
          sizes,
        );
  }

  private append(layer: number, keys: Tensor, values: Tensor): StoredKeys {
    const ring = this.rings[layer]!;
    for (const [argument, x] of Object.entries({ keys, values })) {
      if (isTracked(x))
        throw new TypeError(
          `WindowedKeyValueCache: ${argument} of layer ${layer} are being differentiated, expected inference. Train without a cache`,
        );
      if (x.shape[2] !== this.added)
        throw new ShapeError(
          `WindowedKeyValueCache: ${argument} of layer ${layer} has shape ${formatShape(x.shape)}, expected T=${this.added} (from extend). Call extend first, in every step`,
        );
    }
    ring.keys ??= new Ring(`keys of layer ${layer}`, keys, 2, this.windowSize);
    ring.values ??= new Ring(`values of layer ${layer}`, values, 2, this.windowSize);
    const { all, length } = ring.keys.add(keys, this.seen);
    return { keys: all, values: ring.values.add(values, this.seen).all, length };
  }

  /** Keeps only rows `indices` of the batch, in that order: for beam search. Repeats are allowed. */
  reorder(indices: readonly number[]): void {
    for (const { keys, values } of this.rings) {
      keys?.reorder(indices);
      values?.reorder(indices);
    }
    if (this.positions?.isBatched) this.positions.reorder(indices);
  }

  /** Forgets everything and frees the memory. The cache can be used again. */
  reset(): void {
    for (const ring of this.rings) {
      ring.keys?.dispose();
      ring.values?.dispose();
      ring.keys = ring.values = undefined;
    }
    this.positions?.dispose();
    this.positions = undefined;
    this.seen = this.added = 0;
  }

  /** As `reset`. */
  dispose(): void {
    this.reset();
  }
}

/** The last places along one axis: place of token i is i modulo their number. */
class Ring {
  private stored: Tensor;
  private readonly what: string;
  private readonly axis: number;
  private readonly size: number;

  constructor(what: string, like: Tensor, axis: number, size: number) {
    this.what = what;
    this.axis = axis;
    this.size = size;
    const shape = like.shape.map((length, i) => (i === axis ? size : length));
    this.stored = keep(zeros(shape, { dtype: like.dtype, backend: like.backend }));
  }

  get isBatched(): boolean {
    return this.stored.shape.length > this.axis && this.axis > 0;
  }

  /** Adds new places, the last of `seen` in all; returns what their queries may see, new ones among them. */
  add(x: Tensor, seen: number): { all: Tensor; length: number } {
    this.check(x);
    const T = x.shape[this.axis]!;
    const filled = Math.min(seen - T, this.size);
    // The first of several new queries still see what the last ones overwrite.
    const before = T > 1 && filled > 0 ? [this.part(this.stored, 0, filled)] : [];
    const all = T > 1 ? concatenate([...before, x], { axis: this.axis }) : this.stored;
    const kept = Math.min(T, this.size);
    this.write(this.part(x, T - kept, kept), (seen - kept) % this.size);
    return { all, length: T > 1 ? filled + T : Math.min(seen, this.size) };
  }

  private write(x: Tensor, place: number): void {
    const count = x.shape[this.axis]!;
    const first = Math.min(count, this.size - place);
    const at = (start: number): number[] => x.shape.map((_, i) => (i === this.axis ? start : 0));
    assignSlice(this.stored, this.part(x, 0, first), at(place));
    if (first < count) assignSlice(this.stored, this.part(x, first, count - first), at(0));
  }

  private part(x: Tensor, start: number, size: number): Tensor {
    if (size === x.shape[this.axis]) return x;
    const starts = x.shape.map((_, i) => (i === this.axis ? start : 0));
    return slice(
      x,
      starts,
      x.shape.map((length, i) => (i === this.axis ? size : length)),
    );
  }

  private check(x: Tensor): void {
    const { shape } = this.stored;
    const fits = x.shape.length === shape.length && x.shape.every((size, i) => i === this.axis || size === shape[i]);
    if (fits) return;
    const expected = shape.map((size, i) => (i === this.axis ? "T" : size)).join(", ");
    throw new ShapeError(
      `WindowedKeyValueCache: ${this.what} has shape ${formatShape(x.shape)}, expected [${expected}] (from earlier calls). Reset between batches`,
    );
  }

  reorder(indices: readonly number[]): void {
    const picked = scope(() => keep(pick(this.stored, indices, 0)));
    this.stored.dispose();
    this.stored = picked;
  }

  dispose(): void {
    this.stored.dispose();
  }
}
