import { createLinear, type Initializer, type Linear } from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import { add, bindShapes, formatShape, permute, type Rng, reshape, ShapeError, split, type Tensor } from "@heed/tensor";
import type { AttentionFn, AttentionOptions } from "./attention-fn.ts";
import { cutKeys, fitKeys, hideUnfilled } from "./fit-keys.ts";
import type { LayerCache } from "./key-value-cache.ts";

/** What one call of a multi-head layer takes beside its input. */
export interface MultiHeadOptions {
  /** bool, broadcast to [B, H, T, S] over the keys there are, those in the cache first */
  readonly mask?: Tensor | undefined;
  /** added to scores, broadcast to [B, H, T, S]; beside that of the layer's own position encoding */
  readonly bias?: Tensor | undefined;
  /** of the tokens in x, int32 [T] or [B, T]; needed where the layer has a position encoding */
  readonly positions?: Tensor | undefined;
  /** of all keys where a cache holds earlier ones, int32 [S] or [B, S]; default `positions` */
  readonly keyPositions?: Tensor | undefined;
  /** earlier keys and values; the new ones are added to it */
  readonly cache?: LayerCache | undefined;
  readonly rng?: Rng | undefined;
  readonly observe?: AttentionOptions["observe"];
}

/**
 * Multi-head self-attention: project to heads, attend in each, join, project back.
 *
 * One projection makes queries, keys and values: rows of `qkv.weight` are the H query heads, then the G key heads, then the
 * G value heads, D rows each.
 *
 * Shapes: qkv E -> (H + 2 G) D, output H D -> E.
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, arXiv:1706.03762; with G < H, Ainslie et al. 2023, GQA, arXiv:2305.13245.
 */
export class MultiHeadAttention {
  readonly qkv: Linear;
  readonly output: Linear;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly attention: AttentionFn;
  readonly position: PositionEncoding | undefined;

  /** @throws RangeError if heads do not divide; ShapeError if the projections do not fit them */
  constructor({ qkv, output, numHeads, numKvHeads = numHeads, attention, position }: MultiHeadParts) {
    if (!Number.isInteger(numHeads) || numHeads < 1)
      throw new RangeError(
        `MultiHeadAttention: numHeads is out of range, expected a whole number >= 1, got ${numHeads}`,
      );
    if (!Number.isInteger(numKvHeads) || numKvHeads < 1 || numHeads % numKvHeads !== 0) {
      throw new RangeError(
        `MultiHeadAttention: numKvHeads is wrong, expected a divisor of numHeads=${numHeads}, got ${numKvHeads}`,
      );
    }
    if (qkv.dOut % (numHeads + 2 * numKvHeads) !== 0) {
      throw new ShapeError(
        `MultiHeadAttention: qkv has dOut=${qkv.dOut}, expected a multiple of ${numHeads + 2 * numKvHeads} heads (numHeads=${numHeads} + 2 x numKvHeads=${numKvHeads})`,
      );
    }
    const dHead = qkv.dOut / (numHeads + 2 * numKvHeads);
    if (output.dIn !== numHeads * dHead) {
      throw new ShapeError(
        `MultiHeadAttention: output has dIn=${output.dIn} in weight ${formatShape(output.weight.shape)}, expected ${numHeads * dHead} (from ${numHeads} heads of dHead=${dHead})`,
      );
    }
    this.qkv = qkv;
    this.output = output;
    this.numHeads = numHeads;
    this.numKvHeads = numKvHeads;
    this.attention = attention;
    this.position = position;
  }

  /**
   * Shapes: x [B, T, E] -> [B, T, E].
   *
   * @throws TypeError if the layer has a position encoding and the call no positions
   */
  forward(
    x: Tensor,
    { mask, bias, positions, keyPositions = positions, cache, rng, observe }: MultiHeadOptions = {},
  ): Tensor {
    const { B, T } = bindShapes("MultiHeadAttention", { x: [x, "B T E"] });
    const [q_BHTD, k_BGTD, v_BGTD] = this.project(x, B, T, positions);
    const stored = cache?.append(k_BGTD, v_BGTD) ?? { keys: k_BGTD, values: v_BGTD, length: T };
    const S = stored.keys.shape[2]!;
    const bias_BHTS = this.biasFor(bias, positions, keyPositions);
    const y_BHTD = this.attention(q_BHTD, stored.keys, stored.values, {
      mask: hideUnfilled(mask, stored.length, S, x),
      bias: bias_BHTS && fitKeys(bias_BHTS, S),
      rng,
      observe: observe && ((view) => observe(cutKeys(view, stored.length))),
    });
    const y_BTHD = permute(y_BHTD, [0, 2, 1, 3]);
    return this.output.forward(reshape(y_BTHD, [B, T, y_BTHD.shape[2]! * y_BTHD.shape[3]!]));
  }

  private project(x: Tensor, B: number, T: number, positions: Tensor | undefined): [Tensor, Tensor, Tensor] {
    const [q, k, v] = this.splitHeads(this.qkv.forward(x), B, T);
    const { position } = this;
    if (!position?.rotate) return [q, k, v];
    const given = this.needPositions(positions);
    return [position.rotate(q, given), position.rotate(k, given), v];
  }

  /** With equal head counts the kind of projection becomes the first axis: splitting it then shares memory. */
  private splitHeads(qkv_BTP: Tensor, B: number, T: number): [Tensor, Tensor, Tensor] {
    const { numHeads: H, numKvHeads: G } = this;
    const D = this.qkv.dOut / (H + 2 * G);
    if (G === H) {
      const qkv_3BHTD = permute(reshape(qkv_BTP, [B, T, 3, H, D]), [2, 0, 3, 1, 4]);
      return split(qkv_3BHTD, [1, 1, 1], { axis: 0 }).map((part) => reshape(part, [B, H, T, D])) as [
        Tensor,
        Tensor,
        Tensor,
      ];
    }
    const heads_BPTD = permute(reshape(qkv_BTP, [B, T, H + 2 * G, D]), [0, 2, 1, 3]);
    return split(heads_BPTD, [H, G, G], { axis: 1 }) as [Tensor, Tensor, Tensor];
  }

  private biasFor(
    bias: Tensor | undefined,
    positions: Tensor | undefined,
    keyPositions: Tensor | undefined,
  ): Tensor | undefined {
    if (!this.position?.bias) return bias;
    const own = this.position.bias(this.needPositions(positions), keyPositions!);
    return bias ? add(own, bias) : own;
  }

  private needPositions(positions: Tensor | undefined): Tensor {
    if (positions) return positions;
    throw new TypeError(
      "MultiHeadAttention: positions is missing, expected int32 [T] or [B, T], got undefined. The layer's position encoding needs them",
    );
  }
}

/** What a {@link MultiHeadAttention} is made of. */
export interface MultiHeadParts {
  readonly qkv: Linear;
  readonly output: Linear;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number;
  readonly attention: AttentionFn;
  /** its `rotate` and `bias` hooks apply in this layer */
  readonly position?: PositionEncoding | undefined;
}

/** Options of {@link createMultiHeadAttention}. */
export interface MultiHeadAttentionOptions extends Omit<MultiHeadParts, "qkv" | "output"> {
  readonly dModel: number;
  /** default dModel / numHeads */
  readonly dHead?: number;
  readonly weight: Initializer;
  /** first values of the output projection; default as `weight` */
  readonly outputWeight?: Initializer;
  /** first values of the biases; without it the projections have none */
  readonly bias?: Initializer | undefined;
}

/**
 * A multi-head layer with new weights.
 *
 * @throws RangeError if dModel is not a multiple of numHeads and no dHead is given
 */
export function createMultiHeadAttention(options: MultiHeadAttentionOptions): MultiHeadAttention {
  const { dModel, numHeads, numKvHeads = numHeads, weight, outputWeight = weight, bias } = options;
  const dHead = options.dHead ?? dModel / numHeads;
  if (!Number.isInteger(dHead) || dHead < 1) {
    throw new RangeError(
      `createMultiHeadAttention: numHeads does not divide the width, expected a divisor of dModel=${dModel}, got ${numHeads}. Give dHead to choose another head width`,
    );
  }
  return new MultiHeadAttention({
    ...options,
    qkv: createLinear({ dIn: dModel, dOut: (numHeads + 2 * numKvHeads) * dHead, weight, bias }),
    output: createLinear({ dIn: numHeads * dHead, dOut: dModel, weight: outputWeight, bias }),
  });
}
