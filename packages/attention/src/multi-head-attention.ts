import type { Linear } from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import {
  add,
  bindShapes,
  concatenate,
  formatShape,
  permute,
  type Rng,
  reshape,
  ShapeError,
  slice,
  type Tensor,
} from "@heed/tensor";
import type { AttentionFn, AttentionOptions, AttentionView } from "./attention-fn.ts";
import { columnsOf, cutKeys, fitKeys, hideUnfilled, type MemoryPlaces, widenKeys } from "./fit-keys.ts";
import type { HeadGate } from "./head-gate.ts";
import type { KeyValueMemory } from "./key-value-memory.ts";
import type { LayerCache, StoredKeys } from "./layer-cache.ts";
import type { KeysAndValues, Projection, Rotate } from "./projections/projection.ts";

/** What one call of a multi-head layer takes beside its input. */
export interface MultiHeadOptions {
  /** keys and values come from it, [B, S, Ek]: cross-attention; default x */
  readonly context?: Tensor | undefined;
  /** values come from it, [B, S, Ev]; default context */
  readonly valueContext?: Tensor | undefined;
  /** bool, broadcast to [B, H, T, S] over the keys there are, those in the cache first */
  readonly mask?: Tensor | undefined;
  /** added to scores, broadcast to [B, H, T, S]; beside that of the layer's own position encoding */
  readonly bias?: Tensor | undefined;
  /** of the tokens in x, int32 [T] or [B, T]; needed where the layer has a position encoding */
  readonly positions?: Tensor | undefined;
  /** of all keys, int32 [S] or [B, S]; default `positions`, where there is no cache and no context */
  readonly keyPositions?: Tensor | undefined;
  /** earlier keys and values; the new ones are added to it */
  readonly cache?: LayerCache | undefined;
  readonly rng?: Rng | undefined;
  readonly observe?: AttentionOptions["observe"];
}

/** What a {@link MultiHeadAttention} is made of. */
export interface MultiHeadParts {
  /** makes queries, keys and values */
  readonly projection: Projection;
  /** H Dv -> E */
  readonly output: Linear;
  readonly attention: AttentionFn;
  /** its hooks other than `embed` apply in this layer */
  readonly position?: PositionEncoding | undefined;
  /** keys and values beside those of the sequence; default none */
  readonly memories?: readonly KeyValueMemory[];
  /** what the heads give goes through it; default none */
  readonly gate?: HeadGate | undefined;
}

/**
 * A multi-head layer: project to heads, attend in each, join, project back.
 *
 * Self-attention, or with `context` cross-attention; multi-query, grouped-query or latent by its projection; any attention
 * function; memories, a gate of the heads and a position encoding where given.
 *
 * Shapes: x [B, T, E] -> [B, T, E].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, arXiv:1706.03762.
 */
export class MultiHeadAttention {
  readonly projection: Projection;
  readonly output: Linear;
  readonly attention: AttentionFn;
  readonly position: PositionEncoding | undefined;
  readonly memories: readonly KeyValueMemory[];
  readonly gate: HeadGate | undefined;

  /** @throws ShapeError if the output projection does not fit the heads */
  constructor({ projection, output, attention, position, memories = [], gate }: MultiHeadParts) {
    const { numHeads, dValue } = projection;
    if (output.dIn !== numHeads * dValue) {
      throw new ShapeError(
        `MultiHeadAttention: output has dIn=${output.dIn} in weight ${formatShape(output.weight.shape)}, expected ${numHeads * dValue} (from ${numHeads} heads of dValue=${dValue})`,
      );
    }
    this.projection = projection;
    this.output = output;
    this.attention = attention;
    this.position = position;
    this.memories = memories;
    this.gate = gate;
  }

  get numHeads(): number {
    return this.projection.numHeads;
  }

  get numKvHeads(): number {
    return this.projection.numKvHeads;
  }

  /**
   * Shapes: x [B, T, E] -> [B, T, E].
   *
   * @throws TypeError if the layer has a position encoding and the call no positions
   */
  forward(x: Tensor, given: MultiHeadOptions = {}): Tensor {
    const { B, T } = bindShapes("MultiHeadAttention", { x: [x, "B T E"] });
    const isOwn = !given.cache && (given.context ?? x) === x;
    const options = { ...given, keyPositions: given.keyPositions ?? (isOwn ? given.positions : undefined) };
    const { q, stored } = this.read(x, options);
    const sequence = this.projection.expand?.(stored) ?? stored;
    const { keys, values, places } = this.remember(sequence);
    const y_BHTD = this.attend(q, { keys, values }, { ...stored, sequence, places }, options);
    const y_BTHD = permute(y_BHTD, [0, 2, 1, 3]);
    const gated = this.gate ? this.gate.forward(x, y_BTHD) : y_BTHD;
    return this.output.forward(reshape(gated, [B, T, this.output.dIn]));
  }

  /** Queries, and all keys and values as they are stored. */
  private read(x: Tensor, options: MultiHeadOptions): { q: Tensor; stored: StoredKeys } {
    const { context = x, valueContext = context, cache } = options;
    const rotate = this.rotateFor(context !== x, options);
    if (cache?.fixed) return { q: this.projection.queries(x, rotate), stored: cache.fixed };
    const { q, keys, values } = this.projection.project({ x, keys: context, values: valueContext }, rotate);
    return { q, stored: cache?.append(keys, values) ?? { keys, values, length: keys.shape[2]! } };
  }

  private rotateFor(isCross: boolean, { positions, keyPositions }: MultiHeadOptions): Rotate {
    const { position } = this;
    if (!position?.rotate) return { query: (x) => x, key: (x) => x };
    return {
      query: (x) => position.rotate!(x, needed("positions", positions)),
      key: (x) => position.rotate!(x, isCross ? needed("keyPositions", keyPositions) : needed("positions", positions)),
    };
  }

  private remember(sequence: KeysAndValues): KeysAndValues & { readonly places: MemoryPlaces } {
    const places = { before: 0, after: 0 };
    let { keys, values } = sequence;
    for (const memory of this.memories) {
      const more = memory.read(sequence);
      places[memory.side] += more.keys.shape[2]!;
      const join = (old: Tensor, extra: Tensor) =>
        concatenate(memory.side === "before" ? [extra, old] : [old, extra], { axis: 2 });
      keys = join(keys, more.keys);
      values = join(values, more.values);
    }
    return { keys, values, places };
  }

  private attend(q: Tensor, { keys, values }: KeysAndValues, seen: SeenKeys, options: MultiHeadOptions): Tensor {
    const { length, sequence, places } = seen;
    const { positions, keyPositions, rng, observe } = options;
    const S = sequence.keys.shape[2]!;
    const bias = this.biasFor(q, seen, options);
    const mixes = this.position?.mixValues;
    let probs: Tensor | undefined;
    const watch = (view: AttentionView): void => {
      probs = view.probs;
      observe?.(cutKeys(view, length, places));
    };
    const hasMemory = places.before + places.after > 0;
    const y = this.attention(q, keys, values, {
      mask: widenKeys(hideUnfilled(options.mask, length, S, q), S, places, 1),
      bias: widenKeys(bias && fitKeys(bias, S), S, places, 0),
      ...(!hasMemory && { positions, keyPositions }),
      rng,
      observe: observe || mixes ? watch : undefined,
    });
    if (!mixes) return y;
    if (!probs)
      throw new TypeError(
        "MultiHeadAttention: attention shows no probs, expected a function that calls observe. The position encoding mixes values by them",
      );
    const given = [needed("positions", positions), needed("keyPositions", keyPositions)] as const;
    return add(y, this.position!.mixValues!(columnsOf(probs, places.before, length), ...given));
  }

  /** What the call and the position encoding add to the scores of the filled places. */
  private biasFor(q: Tensor, { length, sequence }: SeenKeys, options: MultiHeadOptions): Tensor | undefined {
    const { position } = this;
    const { positions, keyPositions } = options;
    const given = () => [needed("positions", positions), needed("keyPositions", keyPositions)] as const;
    const keys = (): Tensor => rowsOf(sequence.keys, length);
    const parts = [options.bias, position?.bias?.(...given()), position?.contentBias?.(q, keys(), ...given())].filter(
      (part) => part !== undefined,
    );
    return parts.length === 0 ? undefined : parts.reduce((sum, part) => add(sum, part));
  }
}

/** The keys of a call: those of the sequence, how many of its places are filled, and the memory beside them. */
interface SeenKeys {
  readonly length: number;
  readonly sequence: KeysAndValues;
  readonly places: MemoryPlaces;
}

/** The filled rows of [B, G, S, D]. */
function rowsOf(x: Tensor, length: number): Tensor {
  const [B, G, S, D] = x.shape as [number, number, number, number];
  return S === length ? x : slice(x, [0, 0, 0, 0], [B, G, length, D]);
}

function needed(argument: "positions" | "keyPositions", positions: Tensor | undefined): Tensor {
  if (positions) return positions;
  const size = argument === "positions" ? "T" : "S";
  throw new TypeError(
    `MultiHeadAttention: ${argument} is missing, expected int32 [${size}] or [B, ${size}], got undefined. The layer's position encoding needs them`,
  );
}
