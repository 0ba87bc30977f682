import { full } from "@heed/attention";
import { add, bindShapes, fromArray, multiply, type Rng, type Tensor } from "@heed/tensor";
import { expectPlaces } from "./fine-tuning/expect-places.ts";
import { binaryCrossEntropy } from "./losses/binary-cross-entropy.ts";
import { checkMaskedLM, type MaskedLMOptions, maskTokens } from "./masked-lm.ts";
import type { Example, Objective } from "./objective.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";
import { weightedMean } from "./weighted-mean.ts";

/** What the generator reads and predicts, and what the discriminator reads and judges. */
export interface ReplacedTokenExample extends Example {
  /** the tokens, those picked replaced by what the generator said */
  readonly discriminatorInputs: Int32Array;
  /** 1 where the discriminator reads another token than was there */
  readonly replaced: Int32Array;
  /** weight of each place in the discriminator's mean loss: 0 for special ids */
  readonly discriminatorWeights: Float32Array;
}

/** What both models say of one batch. */
export interface ReplacedTokenLogits {
  /** [B, T, V] */
  readonly generator: Tensor;
  /** that the token was replaced. Shape [B, T] */
  readonly discriminator: Tensor;
}

/** An objective of two models, one after the other. */
export interface ReplacedTokenObjective extends Objective<Int32Array, ReplacedTokenExample, ReplacedTokenLogits> {
  /** The batch with tokens drawn from what the generator said of it: values of logits [B, T, V]. No gradient flows through the draw. @throws RangeError for logits of another size or that are no numbers */
  replace(example: ReplacedTokenExample, generatorLogits: ArrayLike<number>, rng: Rng): ReplacedTokenExample;
  tokensFor(T: number): number;
}

/** Options of {@link replacedTokenDetection}. */
export interface ReplacedTokenOptions extends Omit<MaskedLMOptions, "replace"> {
  /** how much the discriminator's loss counts beside the generator's, >= 0; default 50 */
  readonly discriminatorWeight?: number;
}

/**
 * A small generator predicts masked tokens; a discriminator tells for every token whether it is the generator's (ELECTRA).
 *
 * For a batch: prepare, run the generator on `inputs`, `replace`, run the discriminator on `discriminatorInputs`, loss. Until
 * `replace` the replacements are those of a generator that knows nothing. A token that is drawn as it was is not replaced.
 *
 * Shapes: prepare T tokens -> T entries each; loss logits [B, T, V] and [B, T] -> [].
 *
 * @throws RangeError for options out of range; from `prepare` if there is nothing to predict
 * @see Clark et al. 2020, ELECTRA, section 2, arXiv:2003.10555.
 * @example
 * const objective = replacedTokenDetection({ vocabSize: 100, maskId: 4, specialIds: [0, 1, 2] });
 * const example = objective.prepare(Int32Array.of(1, 7, 8, 9, 2), rng(0));
 */
export function replacedTokenDetection(options: ReplacedTokenOptions): ReplacedTokenObjective {
  const { vocabSize, maskId, specialIds = [], discriminatorWeight = 50 } = options;
  checkMaskedLM("replacedTokenDetection", options);
  if (!(discriminatorWeight >= 0 && discriminatorWeight < Infinity))
    throw new RangeError(
      `replacedTokenDetection: discriminatorWeight is out of range, expected a finite number >= 0, got ${discriminatorWeight}`,
    );
  const special = new Set([...specialIds, maskId]);
  return {
    mask: full(),
    tokensFor: (T) => T,
    prepare(tokens, rng) {
      const example = maskTokens(
        "replacedTokenDetection",
        tokens,
        { ...options, replace: { mask: 1, random: 0 } },
        rng,
      );
      return withReplacements(example, special, () => rng.nextInteger(vocabSize));
    },
    replace(example, logits, rng) {
      const places = example.inputs.length;
      if (logits.length !== places * vocabSize)
        throw new RangeError(
          `replacedTokenDetection: generatorLogits has ${logits.length} values, expected ${places * vocabSize} (${places} places of vocabSize=${vocabSize})`,
        );
      return withReplacements(example, special, (place) => drawFrom(logits, place, vocabSize, rng));
    },
    loss({ generator, discriminator }, example) {
      const predicted = weightedCrossEntropy("replacedTokenDetection", generator, example);
      return add(predicted, multiply(discriminatorLoss(discriminator, example), discriminatorWeight));
    },
  };
}

function withReplacements(
  example: Example,
  special: ReadonlySet<number>,
  draw: (place: number) => number,
): ReplacedTokenExample {
  const { targets, lossWeights } = example;
  const discriminatorInputs = targets.map((id, place) => (lossWeights[place]! > 0 ? draw(place) : id));
  return {
    ...example,
    discriminatorInputs,
    replaced: discriminatorInputs.map((id, place) => Number(id !== targets[place])),
    discriminatorWeights: Float32Array.from(targets, (id) => Number(!special.has(id))),
  };
}

/** An id by the softmax of the V logits of a place. @throws RangeError if they are no distribution */
function drawFrom(logits: ArrayLike<number>, place: number, V: number, rng: Rng): number {
  const from = place * V;
  let highest = -Infinity;
  for (let id = 0; id < V; id++) highest = Math.max(highest, logits[from + id]!);
  if (!Number.isFinite(highest))
    throw new RangeError(
      `replacedTokenDetection: generatorLogits has no finite maximum at place ${place}, expected numbers below Infinity, one of them finite, got ${highest}. The generator has diverged`,
    );
  const weights = Array.from({ length: V }, (_, id) => Math.exp(logits[from + id]! - highest));
  let left = rng.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const found = weights.findIndex((weight) => (left -= weight) < 0);
  return found < 0 ? weights.lastIndexOf(1) : found;
}

function discriminatorLoss(logits: Tensor, { replaced, discriminatorWeights }: ReplacedTokenExample): Tensor {
  const { B, T } = bindShapes("replacedTokenDetection", { discriminator: [logits, "B T"] });
  expectPlaces("replacedTokenDetection", "places", replaced, B * T, logits);
  const wanted = fromArray(Float32Array.from(replaced), [B, T], { dtype: logits.dtype, backend: logits.backend });
  return weightedMean(binaryCrossEntropy(logits, wanted, { reduction: "none" }), discriminatorWeights);
}
