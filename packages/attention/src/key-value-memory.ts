import { bindShapes, broadcast, formatShape, reshape, ShapeError, type Tensor, zeros } from "@heed/tensor";
import { pick } from "./projections/keep-rows.ts";
import type { KeysAndValues } from "./projections/projection.ts";

/** Keys and values beside those of the sequence, which every query sees. */
export interface KeyValueMemory {
  /** before the keys of the sequence or after them */
  readonly side: "before" | "after";
  /** The memory for a batch. Shapes: keys [B, G, S, D], values [B, G, S, Dv] -> [B, G, M, D], [B, G, M, Dv]. */
  read(sequence: KeysAndValues): KeysAndValues;
  /** The memory of only these key/value heads. */
  keepGroups(groups: readonly number[]): KeyValueMemory;
}

/** What a {@link LearnedMemory} is made of. */
export interface LearnedMemoryParts {
  /** [G, M, D] */
  readonly keys: Tensor;
  /** [G, M, Dv] */
  readonly values: Tensor;
  /** default "before" */
  readonly side?: "before" | "after";
}

/**
 * Learned keys and values, the same for every sequence: what a layer knows rather than reads.
 *
 * Shapes: keys [G, M, D], values [G, M, Dv].
 * @see Sukhbaatar et al. 2019, Augmenting Self-attention with Persistent Memory, arXiv:1907.01470; with M = 1 and
 *   side "after", add_bias_kv of torch.nn.MultiheadAttention.
 */
export class LearnedMemory implements KeyValueMemory {
  readonly keys: Tensor;
  readonly values: Tensor;
  readonly side: "before" | "after";

  /** @throws ShapeError if keys and values do not fit each other */
  constructor({ keys, values, side = "before" }: LearnedMemoryParts) {
    bindShapes("LearnedMemory", { keys: [keys, "G M D"], values: [values, "G M Dv"] });
    this.keys = keys;
    this.values = values;
    this.side = side;
  }

  read(sequence: KeysAndValues): KeysAndValues {
    const fit = (argument: "keys" | "values"): Tensor => {
      const [own, other] = [this[argument], sequence[argument]];
      const [G, M, D] = own.shape as [number, number, number];
      const [B, heads, , width] = other.shape as [number, number, number, number];
      if (heads !== G || width !== D)
        throw new ShapeError(
          `LearnedMemory: ${argument} has shape ${formatShape(own.shape)}, expected [${heads}, M, ${width}] (from ${argument} of the sequence ${formatShape(other.shape)})`,
        );
      return broadcast(reshape(own, [1, G, M, D]), [B, G, M, D]);
    };
    return { keys: fit("keys"), values: fit("values") };
  }

  keepGroups(groups: readonly number[]): LearnedMemory {
    return new LearnedMemory({ ...this, keys: pick(this.keys, groups, 0), values: pick(this.values, groups, 0) });
  }
}

/**
 * One key and one value of zeros: a place to attend to that says nothing. Has no weights.
 *
 * @param options.side default "after"
 * @see add_zero_attn of torch.nn.MultiheadAttention.
 * @example
 * const layer = createMultiHeadAttention({
 *   dModel: 8, numHeads: 2, attention: softmaxAttention(), memories: [zeroMemory()], weight: zerosInit(),
 * });
 */
export function zeroMemory({ side = "after" }: { readonly side?: "before" | "after" } = {}): KeyValueMemory {
  const like = (x: Tensor): Tensor => {
    const [B, G, , D] = x.shape as [number, number, number, number];
    return zeros([B, G, 1, D], { dtype: x.dtype, backend: x.backend });
  };
  const memory: KeyValueMemory = {
    side,
    read: ({ keys, values }) => ({ keys: like(keys), values: like(values) }),
    keepGroups: () => memory,
  };
  return memory;
}
