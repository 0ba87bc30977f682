import { applyOne, expectDType } from "../apply.ts";
import { detach } from "../detach.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { defineFused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { broadcast } from "../primitives/broadcast.ts";
import { divide } from "../primitives/divide.ts";
import { equal } from "../primitives/equal.ts";
import { exp } from "../primitives/exp.ts";
import { matmul } from "../primitives/matmul.ts";
import { max } from "../primitives/max.ts";
import { multiply } from "../primitives/multiply.ts";
import { reshape } from "../primitives/reshape.ts";
import { select } from "../primitives/select.ts";
import { subtract } from "../primitives/subtract.ts";
import { sum } from "../primitives/sum.ts";
import { bindShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type DropoutOptions, dropout } from "./dropout.ts";

export interface AttentionAttributes {
  readonly scale: number;
  readonly hasMask: boolean;
  readonly hasBias: boolean;
}

const last = { axes: -1, keepDims: true } as const;

/** Softmax over the last axis in which a row of -Infinity gives zeros. */
function softmaxOrZero(scores: Tensor): Tensor {
  const largest = max(detach(scores), last);
  const powers = exp(subtract(scores, select(equal(largest, -Infinity), 0, largest)));
  const total = sum(powers, last);
  return divide(powers, select(equal(total, 0), 1, total));
}

/** [b, h, T, S] -> [b, G, H / G, T, S], or [b, 1, 1, T, S] for one head. */
function groupHeads(x: Tensor, G: number): Tensor {
  const [b, h, T, S] = x.shape as [number, number, number, number];
  return reshape(x, h === 1 ? [b, 1, 1, T, S] : [b, G, h / G, T, S]);
}

function compose(
  inputs: readonly Tensor[],
  { scale, hasMask, hasBias }: AttentionAttributes,
  drop?: DropoutOptions,
): Tensor {
  const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
  const [B, H, T, D] = q.shape as [number, number, number, number];
  const [, G, S, Dv] = v.shape as [number, number, number, number];
  const products = matmul(reshape(q, [B, G, H / G, T, D]), reshape(k, [B, G, 1, S, D]), { transposeB: true });
  const scaled = multiply(products, scale);
  const biased = hasBias ? add(scaled, groupHeads(inputs[hasMask ? 4 : 3]!, G)) : scaled;
  const probs = softmaxOrZero(hasMask ? select(groupHeads(inputs[3]!, G), biased, -Infinity) : biased);
  const y = matmul(drop ? dropout(probs, drop) : probs, reshape(v, [B, G, 1, S, Dv]));
  return reshape(y, [B, H, T, Dv]);
}

/** Operands q, k, v, mask where there is one, bias where there is one. Saves the logarithms of the sums [B, H, T]. */
export const scaledDotProductAttentionFused = defineFused<AttentionAttributes>({
  name: "scaledDotProductAttention",
  infer([q, , v]) {
    const {
      shape: [B, H, T],
      dtype,
    } = q as Tensor & { shape: [number, number, number, number] };
    return [
      { shape: [B, H, T, v!.shape[3]!], dtype },
      { shape: [B, H, T], dtype },
    ];
  },
  compose: (inputs, attributes) => compose(inputs, attributes),
});

/** Options of {@link scaledDotProductAttention}. */
export interface ScaledDotProductAttentionOptions {
  /** bool, broadcasts to [B, H, T, S]; true: the query may see the key */
  readonly mask?: Tensor | undefined;
  /** float, broadcasts to [B, H, T, S]; added to the scaled products */
  readonly bias?: Tensor | undefined;
  /** multiplies every product, finite; default 1 / sqrt(D) */
  readonly scale?: number | undefined;
  /** dropout of the probabilities; then the composition runs, not the fused kernel */
  readonly dropout?: DropoutOptions | undefined;
}

/** A mask or bias with the axes that kernels count on: batch and head 1 or full, T and S full. */
function spread(where: string, x: Tensor, { B, H, T, S }: { B: number; H: number; T: number; S: number }): Tensor {
  const shape = [...new Array<number>(Math.max(0, 4 - x.shape.length)).fill(1), ...x.shape];
  const fits = shape.length === 4 && [B, H, T, S].every((size, axis) => shape[axis] === size || shape[axis] === 1);
  if (!fits) {
    throw new ShapeError(
      `scaledDotProductAttention: ${where} has shape ${formatShape(x.shape)}, expected one that stretches to ${formatShape([B, H, T, S])} [B, H, T, S]`,
    );
  }
  const whole = [shape[0]!, shape[1]!, T, S];
  const ranked = x.shape.length === 4 ? x : reshape(x, shape);
  return shape[2] === T && shape[3] === S ? ranked : broadcast(ranked, whole);
}

/**
 * softmax(q k^T * scale + bias) v over the keys that the mask allows; each of G key/value heads serves H / G query
 * heads in a row.
 *
 * Shapes: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] -> [B, H, T, Dv]; H is a multiple of G.
 * DTypes: float32 or float64, all equal.
 * Numerics: subtracts the row maximum; a row with no visible key gives 0 and no gradient.
 * Cost: O(T*S*D) time; the composition holds O(T*S), the fused kernel does not.
 * @throws ShapeError if shapes do not fit; RangeError if scale is not finite
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, arXiv:1706.03762. Ainslie et al. 2023, GQA,
 *   arXiv:2305.13245. Differs: takes a bias, and defines the empty row.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions = {},
): Tensor {
  const where = "scaledDotProductAttention";
  expectDType(where, { q }, "float32", "float64");
  expectDType(where, { k, v, ...(options.bias && { bias: options.bias }) }, q.dtype);
  if (options.mask) expectDType(where, { mask: options.mask }, "bool");
  const sizes = bindShapes(where, { q: [q, "B H T D"], k: [k, "B G S D"], v: [v, "B G S Dv"] });
  const { H, G, D } = sizes;
  if (H % G !== 0)
    throw new ShapeError(
      `${where}: k has G=${G} heads in shape ${formatShape(k.shape)}, expected a divisor of H=${H} (from q ${formatShape(q.shape)})`,
    );
  const scale = options.scale ?? 1 / Math.sqrt(D);
  if (!Number.isFinite(scale))
    throw new RangeError(`${where}: scale is out of range, expected a finite number, got ${scale}`);
  const mask = options.mask && spread("mask", options.mask, sizes);
  const bias = options.bias && spread("bias", options.bias, sizes);
  const inputs = [q, k, v, ...(mask ? [mask] : []), ...(bias ? [bias] : [])];
  const attributes = { scale, hasMask: mask !== undefined, hasBias: bias !== undefined };
  const drops = options.dropout?.rng && options.dropout.rate !== 0;
  return drops
    ? compose(inputs, attributes, options.dropout)
    : applyOne(scaledDotProductAttentionFused, inputs, attributes);
}
