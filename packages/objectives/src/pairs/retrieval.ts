import { full } from "@heed/attention";
import {
  arange,
  bindShapes,
  crossEntropy,
  formatShape,
  matmul,
  multiply,
  ShapeError,
  type Tensor,
  transpose,
} from "@heed/tensor";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";

/** A question and a passage that answers it. */
export interface AnsweredQuery {
  readonly query: Int32Array;
  readonly passage: Int32Array;
}

/** Embeddings of the queries and of their passages. Shapes: [B, E] each; row i of one belongs to row i of the other. */
export interface RetrievalEmbeddings {
  readonly queries: Tensor;
  readonly passages: Tensor;
}

/** Options of {@link retrieval}. */
export interface RetrievalOptions extends TextTemplate {
  /** dot products are divided by it, > 0; default 1. Give embeddings of length 1 and 0.05 for cosines */
  readonly temperature?: number;
}

/**
 * Find each query's passage among all of the batch, by the dot product of embeddings: in-batch negatives.
 *
 * Shapes: prepare a pair -> two rows of `length` inputs, the query's and the passage's; a batch has 2 B rows, which
 * alternate. loss embeddings [B, E] twice -> [].
 *
 * @throws RangeError for texts that do not fit or a temperature that is not positive; ShapeError for embeddings of different shapes
 * @see Karpukhin et al. 2020, Dense Passage Retrieval for Open-Domain Question Answering, section 3.2, arXiv:2004.04906.
 * @example
 * const objective = retrieval({ length: 4, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ query: Int32Array.of(7), passage: Int32Array.of(8, 9) }, rng(0)).inputs; // 1 7 2 0 1 8 9 2
 */
export function retrieval(options: RetrievalOptions): Objective<AnsweredQuery, TextInputs, RetrievalEmbeddings> {
  const { length, temperature = 1 } = options;
  checkTemplate("retrieval", options);
  if (!(temperature > 0 && temperature < Infinity))
    throw new RangeError(`retrieval: temperature is out of range, expected a finite number > 0, got ${temperature}`);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, length),
    prepare({ query, passage }) {
      const rows = [query, passage].map((text) => fillTemplate("retrieval", options, text).row);
      const joined = (field: keyof TextInputs): Int32Array => Int32Array.from(rows.flatMap((row) => [...row[field]]));
      return { inputs: joined("inputs"), segments: joined("segments"), keep: joined("keep") };
    },
    loss({ queries, passages }, { inputs }) {
      const { B } = bindShapes("retrieval", { queries: [queries, "B E"], passages: [passages, "B E"] });
      if (inputs.length !== 2 * B * length)
        throw new ShapeError(
          `retrieval: example has ${inputs.length / length} rows, expected ${2 * B} (two for each of queries ${formatShape(queries.shape)})`,
        );
      const scores = multiply(matmul(queries, transpose(passages)), 1 / temperature);
      return crossEntropy(scores, arange(0, B, { backend: queries.backend }));
    },
  };
}
