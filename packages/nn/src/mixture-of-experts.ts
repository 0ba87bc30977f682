import {
  add,
  divide,
  formatShape,
  mean,
  multiply,
  oneHot,
  reshape,
  ShapeError,
  softmax,
  split,
  sum,
  type Tensor,
  topK,
} from "@heed/tensor";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";

/** What an expert is: the same width in and out. */
export interface Expert {
  forward(x: Tensor): Tensor;
}

/** What a {@link MixtureOfExperts} gives. */
export interface MixtureResult {
  /** [..., E] */
  readonly y: Tensor;
  /** [], numExperts * sum of (share of tokens * mean probability); 1 * k where balanced. Add it to the loss, times 0.01 */
  readonly balanceLoss: Tensor;
}

/**
 * A router sends each token to its k best experts and mixes what they give by their renormalized probabilities.
 *
 * Cost: every expert runs on every token, so it saves no time; routing, gradients and losses are those of the sparse form.
 * Shapes: router E -> number of experts; x [..., E] -> y [..., E].
 * @see Shazeer et al. 2017, arXiv:1701.06538; Fedus, Zoph and Shazeer 2021, Switch Transformers, section 2.2 (balance
 *   loss), arXiv:2101.03961; Jiang et al. 2024, Mixtral, section 2.1, arXiv:2401.04088 (renormalized top-k).
 */
export class MixtureOfExperts {
  readonly router: Linear;
  readonly experts: readonly Expert[];
  readonly k: number;

  /** @throws RangeError if the router does not have one output for each expert, or k is not in 1..experts */
  constructor(router: Linear, experts: readonly Expert[], { k = 2 }: { readonly k?: number } = {}) {
    if (experts.length === 0) throw new RangeError("MixtureOfExperts: experts is empty, expected at least one");
    if (router.dOut !== experts.length)
      throw new RangeError(
        `MixtureOfExperts: router has dOut=${router.dOut}, expected ${experts.length} (one for each expert)`,
      );
    if (!(Number.isSafeInteger(k) && k >= 1 && k <= experts.length))
      throw new RangeError(
        `MixtureOfExperts: k is out of range, expected a whole number in 1..${experts.length}, got ${k}`,
      );
    this.router = router;
    this.experts = experts;
    this.k = k;
  }

  /** @throws ShapeError if an expert gives another width than it takes */
  forward(x: Tensor): MixtureResult {
    const N = this.experts.length;
    const E = x.shape.at(-1)!;
    const tokens = reshape(x, [x.size / E, E]);
    const probs = softmax(this.router.forward(tokens));
    const { indices } = topK(probs, this.k);
    const chosen = sum(oneHot(indices, N, { dtype: x.dtype }), { axes: 1 });
    const kept = multiply(probs, chosen);
    const shares = split(divide(kept, sum(kept, { axes: -1, keepDims: true })), new Array<number>(N).fill(1), {
      axis: -1,
    });
    const parts = this.experts.map((expert, i) => {
      const given = expert.forward(tokens);
      if (given.shape.length !== 2 || given.shape[0] !== tokens.shape[0] || given.shape[1] !== E)
        throw new ShapeError(
          `MixtureOfExperts: expert ${i} gives shape ${formatShape(given.shape)}, expected ${formatShape(tokens.shape)} (from x ${formatShape(x.shape)})`,
        );
      return multiply(given, shares[i]!);
    });
    const balance = multiply(sum(multiply(mean(chosen, { axes: 0 }), mean(probs, { axes: 0 }))), N);
    return {
      y: reshape(
        parts.reduce((all, part) => add(all, part)),
        x.shape,
      ),
      balanceLoss: balance,
    };
  }
}

/**
 * A mixture of new experts under a new router.
 *
 * @param options.expert makes each expert, by its index
 * @param options.k experts for each token; default 2
 * @param options.weight makes the router's first values
 * @throws RangeError if k is not in 1..numExperts
 * @example
 * const expert = () => createFeedForward({ dModel: 4, dFF: 8, activation: reluActivation, weight: zerosInit() });
 * const mixture = createMixtureOfExperts({ dModel: 4, numExperts: 3, expert, weight: zerosInit() });
 */
export function createMixtureOfExperts({
  dModel,
  numExperts,
  k = 2,
  expert,
  weight,
}: {
  readonly dModel: number;
  readonly numExperts: number;
  readonly k?: number;
  readonly expert: (index: number) => Expert;
  readonly weight: Initializer;
}): MixtureOfExperts {
  const router = createLinear({ dIn: dModel, dOut: numExperts, weight });
  const experts = Array.from({ length: numExperts }, (_, index) => expert(index));
  return new MixtureOfExperts(router, experts, { k });
}
