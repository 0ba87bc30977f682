import { fromArray, rng, type Tensor } from "@heed/tensor";
import type { Example } from "../objective.ts";
import type { ObjectiveTraits, Opinion } from "./contract.ts";

/** What {@link tokenTraits} takes. */
export interface TokenTraitsOptions<E extends Example> {
  /** tokens of a sequence that is prepared */
  readonly length: number;
  /** ids are below it */
  readonly vocabSize: number;
  /** lowest id of a sequence; those below are the objective's own. Default 0 */
  readonly firstToken?: number;
  /** classes of the logits; default vocabSize */
  readonly numClasses?: number;
  readonly lossRate: number;
  readonly lossRateDeviation?: number;
  /**
   * Ids that a model may look at to predict place t: by its mask for a causal objective, all for a masked one.
   * The target itself must not be among them.
   */
  readonly readableInputs: ((example: E, t: number) => readonly number[]) | { readonly impossible: string };
}

/** Logits [1, places, V] that give each target all probability (perfect), almost none (wrong), or 1 / V. */
export function classLogits(targets: ArrayLike<number>, V: number, opinion: Opinion): Tensor {
  const height = { uniform: 0, perfect: 1000, wrong: -10 }[opinion];
  const values = Float64Array.from({ length: targets.length * V }, (_, i) =>
    targets[Math.floor(i / V)] === i % V ? 3 + height : 3,
  );
  return fromArray(values, [1, targets.length, V], { dtype: "float64" });
}

/** Traits of an objective whose source is a sequence of tokens and whose example has targets and lossWeights for each place. */
export function tokenTraits<E extends Example>(options: TokenTraitsOptions<E>): ObjectiveTraits<Int32Array, E, Tensor> {
  const { length, vocabSize, firstToken = 0, numClasses = vocabSize, readableInputs } = options;
  const { lossRate, lossRateDeviation } = options;
  const visibleTarget = (seed: number, prepare: (source: Int32Array) => E): string | undefined => {
    // Tokens are all different, so a target that can be read stands out.
    const offset = rng(seed).nextInteger(vocabSize - firstToken);
    const item = Int32Array.from({ length }, (_, i) => firstToken + ((i + offset) % (vocabSize - firstToken)));
    const example = prepare(item);
    const readable = readableInputs as (example: E, t: number) => readonly number[];
    const seen = example.lossWeights.findIndex(
      (weight, t) => weight > 0 && readable(example, t).includes(example.targets[t]!),
    );
    return seen < 0 ? undefined : `the target of place ${seen}`;
  };
  return {
    source: (seed) => {
      const draw = rng(seed);
      return Int32Array.from({ length }, () => firstToken + draw.nextInteger(vocabSize - firstToken));
    },
    output: ({ targets }, opinion) => classLogits(targets, numClasses, opinion),
    uniformLoss: () => Math.log(numClasses),
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate,
    ...(lossRateDeviation !== undefined && { lossRateDeviation }),
    visibleTarget: typeof readableInputs === "function" ? visibleTarget : readableInputs,
  };
}
