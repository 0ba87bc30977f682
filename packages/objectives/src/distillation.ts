import { add, detach, formatShape, multiply, reshape, ShapeError, softmax, type Tensor } from "@heed/tensor";
import { klDivergence } from "./losses/kl-divergence.ts";
import type { Objective } from "./objective.ts";
import { weightedMean } from "./weighted-mean.ts";

/** Logits of both models for one batch, of one shape. */
export interface DistillationLogits {
  readonly student: Tensor;
  /** gets no gradient */
  readonly teacher: Tensor;
}

/** Options of {@link distillation}. */
export interface DistillationOptions<Source, E> {
  /** what the student learns beside: its examples serve both, and only places that count there count here */
  readonly objective: Objective<Source, E>;
  /** both models' logits are divided by it, > 0; default 2 */
  readonly temperature?: number;
  /** how much the teacher counts, in [0, 1]; the objective counts the rest. Default 0.5 */
  readonly share?: number;
}

/**
 * Learn an objective and, beside it, what another model believes of every class.
 *
 * share T^2 KL(softmax(teacher / T) || softmax(student / T)) + (1 - share) objective. The factor T^2 keeps the size of
 * the gradient whatever the temperature T.
 *
 * Shapes: loss logits [..., V] twice, as many rows as the example has loss weights -> [].
 *
 * @throws RangeError for a temperature that is not positive or a share outside [0, 1]; ShapeError for logits of different shapes
 * @see Hinton et al. 2015, Distilling the Knowledge in a Neural Network, section 2, arXiv:1503.02531. Differs: divergence
 *   in place of cross-entropy, which has the same gradient and is 0 where the student agrees.
 * @example
 * const objective = distillation({ objective: causalLM(), temperature: 4 });
 * objective.prepare(Int32Array.of(5, 6, 7), rng(0)).targets; // 6 7
 */
export function distillation<Source, E extends { readonly lossWeights: Float32Array }>(
  options: DistillationOptions<Source, E>,
): Objective<Source, E, DistillationLogits> {
  const { objective, temperature = 2, share = 0.5 } = options;
  if (!(temperature > 0 && temperature < Infinity))
    throw new RangeError(`distillation: temperature is out of range, expected a finite number > 0, got ${temperature}`);
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`distillation: share is out of range, expected a number in [0, 1], got ${share}`);
  return {
    mask: objective.mask,
    ...(objective.maskFor && { maskFor: (example: E) => objective.maskFor!(example) }),
    prepare: (source, rng) => objective.prepare(source, rng),
    loss({ student, teacher }, example) {
      const imitation = imitationLoss(student, teacher, temperature, example.lossWeights);
      return add(multiply(objective.loss(student, example), 1 - share), multiply(imitation, share * temperature ** 2));
    },
  };
}

function imitationLoss(student: Tensor, teacher: Tensor, temperature: number, weights: Float32Array): Tensor {
  if (formatShape(student.shape) !== formatShape(teacher.shape))
    throw new ShapeError(
      `distillation: teacher has shape ${formatShape(teacher.shape)}, expected ${formatShape(student.shape)} (from student)`,
    );
  const V = student.shape.at(-1)!;
  if (student.size !== weights.length * V)
    throw new ShapeError(
      `distillation: example has ${weights.length} places, expected ${student.size / V} (from student ${formatShape(student.shape)})`,
    );
  const rows = (logits: Tensor): Tensor => multiply(reshape(logits, [weights.length, V]), 1 / temperature);
  return weightedMean(klDivergence(rows(student), detach(softmax(rows(teacher)))), weights);
}
