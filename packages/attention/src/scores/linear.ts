import type { Activation, Initializer } from "@heed/nn";
import {
  add,
  bindShapes,
  expandDims,
  formatShape,
  matmul,
  reshape,
  ShapeError,
  slice,
  type Tensor,
  tanh,
} from "@heed/tensor";
import type { ScoreFn } from "../score-fn.ts";

/** Parts of {@link linearScore}. */
export interface LinearScoreParts {
  /** w, [Dq + Dk]: the part of the query first */
  readonly weight: Tensor;
  /** b, [1] */
  readonly bias: Tensor;
  /** default tanh */
  readonly activation?: Activation | undefined;
}

/** A linear score with its weights. */
export type LinearScore = ScoreFn & Pick<LinearScoreParts, "weight" | "bias">;

/**
 * activation(w . [q; k] + b). Without the activation the part of the query would shift all scores alike, and the softmax lose it.
 *
 * Shapes: q [B, H, T, Dq], k [B, H, S, Dk] -> [B, H, T, S].
 * Cost: O(T*Dq + S*Dk + T*S) time.
 * @throws ShapeError if weight is not as long as both vectors
 * @see Luong et al. 2015, section 3.1 ("concat"), arXiv:1508.04025. Differs: one unit, as AllenNLP's LinearAttention.
 * @example
 * const score = createLinearScore({ dQuery: 4, weight: normalInit({ std: 0.1, rng: rng(0) }), bias: zerosInit() });
 */
export function linearScore({ weight, bias, activation = tanh }: LinearScoreParts): LinearScore {
  bindShapes("linearScore", { weight: [weight, "D"] });
  if (bias.size !== 1)
    throw new ShapeError(`linearScore: bias has shape ${formatShape(bias.shape)}, expected one value [1]`);
  const score = (...[q, k]: Parameters<ScoreFn>): Tensor => {
    const { Dq, Dk } = bindShapes("linearScore", { q: [q, "B H T Dq"], k: [k, "B H S Dk"] });
    if (weight.size !== Dq + Dk)
      throw new ShapeError(
        `linearScore: weight has ${weight.size} values, expected ${Dq + Dk} (from q ${formatShape(q.shape)} and k ${formatShape(k.shape)})`,
      );
    const column = (start: number, size: number) => reshape(slice(weight, [start], [size]), [size, 1]);
    const queries_BHT1 = matmul(q, column(0, Dq));
    const keys_BHS = reshape(matmul(k, column(Dq, Dk)), k.shape.slice(0, -1));
    return activation(add(add(queries_BHT1, expandDims(keys_BHS, 2)), bias));
  };
  return Object.assign(score, { weight, bias });
}

/** Options of {@link createLinearScore}. */
export interface LinearScoreOptions {
  readonly dQuery: number;
  /** default dQuery */
  readonly dKey?: number;
  /** first values of w */
  readonly weight: Initializer;
  /** first value of b */
  readonly bias: Initializer;
  /** default tanh */
  readonly activation?: Activation;
}

/** A {@link linearScore} with new weights. */
export function createLinearScore(options: LinearScoreOptions): LinearScore {
  const { dQuery, dKey = dQuery, weight, bias, activation } = options;
  return linearScore({ weight: weight([dQuery + dKey]), bias: bias([1]), activation });
}
