import { causal, MultiHeadAttention, SeparateProjection, softmaxAttention } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  createLinear,
  type Initializer,
  InputEmbedding,
  normalInit,
  postNorm,
  zerosInit,
} from "@heed/nn";
import { learned, relativeKeys } from "@heed/positions";
import { add, cast, cumulativeSum, multiply, notEqual, type Rng, type Tensor } from "@heed/tensor";
import { type ActivationName, activations } from "./activations.ts";
import { checkBertConfig } from "./bert-config.ts";
import { Block } from "./block.ts";
import { byOrder } from "./by-order.ts";
import { EncoderModel } from "./encoder-model.ts";
import { Stack } from "./stack.ts";
import { createStatesHead, type HeadConfig } from "./states-head.ts";

/** What a BERT or one of its relatives is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface BertConfig {
  readonly vocabSize: number;
  /** tokens in one sequence at most */
  readonly maxSeqLen: number;
  readonly dModel: number;
  /** of token vectors, which a layer then brings to dModel (ELECTRA, ALBERT); default dModel */
  readonly dEmbedding?: number;
  /** that layer stands even where both widths are equal; default false */
  readonly projectEmbedding?: boolean;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFF: number;
  /** default gelu */
  readonly activation?: ActivationName;
  /** kinds of sentences; default 2; 0 for none */
  readonly numSegments?: number;
  /** a table of positions, or of distances that queries meet, or queries and keys; default absolute */
  readonly positions?: "absolute" | "relative" | "relative-both";
  /** token whose embedding its own lookups do not train; default none */
  readonly paddingId?: number;
  /** positions count real tokens, from behind the row of the padding token (RoBERTa); default false */
  readonly countRealTokens?: boolean;
  /** weights are shared: this many groups of layers, one behind the other, each of some layers in turn (ALBERT); default none */
  readonly sharing?: { readonly numGroups: number; readonly layersPerGroup: number };
  /** tokens see those before them only; default false */
  readonly causal?: boolean;
  /** default 1e-12 */
  readonly layerNormEpsilon?: number;
  /** of embeddings and branches; default 0 */
  readonly dropout?: number;
  /** whose branches drop; default both */
  readonly dropoutBranches?: "both" | "attention" | "feed-forward";
  /** of attention probabilities; default 0 */
  readonly attentionDropout?: number;
  /** a head over the vocabulary has the token embedding as its weight; default true */
  readonly tieHead?: boolean;
  /** what reads the states, by name; default the pooler of BERT, as `pooled` */
  readonly heads?: Readonly<Record<string, HeadConfig>>;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

/** The state of the first token through a layer with tanh: BERT's vector of a text. */
export const pooler = ({ dModel }: { readonly dModel: number }): HeadConfig => ({
  tokens: "first",
  dense: { dOut: dModel, activation: "tanh" },
});

/**
 * Positions of RoBERTa: the count of real tokens so far, from `paddingId` + 1 on; `paddingId` for padding. Tokens in a cache
 * count as real.
 *
 * Shapes: tokens int32 [B, T] -> int32 [B, T].
 */
const positionsOfReal =
  (paddingId: number) =>
  (tokens: Tensor, numBefore: number): Tensor => {
    const isReal = cast(notEqual(tokens, paddingId), "int32");
    return add(multiply(add(cumulativeSum(isReal, { axis: 1 }), numBefore), isReal), paddingId);
  };

function blockOf(config: BertConfig, weight: Initializer): Block {
  const { dModel, numHeads, dFF, maxSeqLen, positions = "absolute", dropoutBranches: branches = "both" } = config;
  const { dropout = 0, attentionDropout = 0, layerNormEpsilon: epsilon = 1e-12 } = config;
  const bias = zerosInit();
  const project = () => createLinear({ dIn: dModel, dOut: dModel, weight, bias });
  const norm = () => createLayerNorm({ dModel, bias: true, epsilon });
  const distances = { maxDistance: maxSeqLen - 1, dHead: dModel / numHeads, table: weight };
  return new Block({
    attention: new MultiHeadAttention({
      projection: new SeparateProjection({ query: project(), key: project(), value: project(), numHeads }),
      output: project(),
      attention: softmaxAttention({ dropout: attentionDropout }),
      position:
        positions === "absolute" ? undefined : relativeKeys({ ...distances, bothSides: positions === "relative-both" }),
    }),
    norm1: norm(),
    feedForward: createFeedForward({ dModel, dFF, activation: activations[config.activation ?? "gelu"], weight, bias }),
    norm2: norm(),
    placement: postNorm,
    residualDropout: branches === "feed-forward" ? 0 : dropout,
    feedForwardDropout: branches === "attention" ? 0 : dropout,
  });
}

/**
 * The group that a layer takes its weights from. Divides as Python's ALBERT does: some quotients that are whole numbers on paper
 * come out just below, as 9 / (18 / 14).
 *
 * @internal
 */
export const groupOfLayer = (layer: number, numLayers: number, numGroups: number): number =>
  Math.floor(layer / (numLayers / numGroups));

/** All layers; where weights are shared, the same blocks again and again. */
function blocksOf(config: BertConfig, weight: Initializer): Block[] {
  const { numLayers, sharing } = config;
  const make = (count: number) => Array.from({ length: count }, () => blockOf(config, weight));
  if (!sharing) return make(numLayers);
  const groups = Array.from({ length: sharing.numGroups }, () => make(sharing.layersPerGroup));
  return Array.from(
    { length: numLayers },
    (_, layer) => groups[groupOfLayer(layer, numLayers, sharing.numGroups)]!,
  ).flat();
}

/**
 * BERT: an encoder with learned positions, kinds of sentences and a norm of the embeddings, norms behind each sum, and heads.
 * Its relatives differ by data: RoBERTa, ELECTRA, DistilBERT, ALBERT.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1.
 *
 * Shapes: forward tokens int32 [B, T] -> states [B, T, E], and what each head gives under its name.
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Devlin et al. 2018, BERT: Pre-training of Deep Bidirectional Transformers, section 3, arXiv:1810.04805; Liu et al. 2019,
 *   RoBERTa, arXiv:1907.11692; Clark et al. 2020, ELECTRA, arXiv:2003.10555; Sanh et al. 2019, DistilBERT, arXiv:1910.01108; Lan
 *   et al. 2019, ALBERT, arXiv:1909.11942; Huang et al. 2020, arXiv:2009.13658 (relative positions).
 * @example
 * const model = bert({ vocabSize: 50, maxSeqLen: 16, dModel: 8, numLayers: 1, numHeads: 2, dFF: 16 }, rng(0));
 */
export function bert(config: BertConfig, rng: Rng | null): EncoderModel {
  checkBertConfig(config);
  const { vocabSize, dModel, dEmbedding = dModel, numSegments = 2, paddingId, maxSeqLen, initStd = 0.02 } = config;
  const { layerNormEpsilon = 1e-12, tieHead = true, countRealTokens = false } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const embed = (numEmbeddings: number, padding?: number) =>
    createEmbedding({ numEmbeddings, dModel: dEmbedding, weight, paddingId: padding });
  const tokens = embed(vocabSize, paddingId);
  const isAbsolute = (config.positions ?? "absolute") === "absolute";
  const rows = maxSeqLen + (countRealTokens ? paddingId! + 1 : 0);
  const encoder = new Stack({
    embedding: new InputEmbedding({
      tokens,
      segments: numSegments > 0 ? embed(numSegments) : undefined,
      position: isAbsolute
        ? learned({
            maxSeqLen: rows,
            dModel: dEmbedding,
            table: weight,
            ...(countRealTokens && { untrained: paddingId }),
          })
        : undefined,
    }),
    embeddingNorm: createLayerNorm({ dModel: dEmbedding, bias: true, epsilon: layerNormEpsilon }),
    embeddingDropout: config.dropout ?? 0,
    embeddingProjection:
      dEmbedding !== dModel || config.projectEmbedding
        ? createLinear({ dIn: dEmbedding, dOut: dModel, weight, bias: zerosInit() })
        : undefined,
    blocks: blocksOf(config, weight),
    maxSeqLen,
    ...(config.causal && { mask: byOrder(causal()) }),
  });
  const vocabulary = () => (tieHead ? tokens.weight : weight([vocabSize, dEmbedding]));
  const heads = Object.entries(config.heads ?? { pooled: pooler(config) }).map(([name, head]) => [
    name,
    createStatesHead(head, { dModel, weight, layerNormEpsilon, vocabulary }),
  ]);
  return new EncoderModel({
    encoder,
    heads: Object.fromEntries(heads),
    positions: countRealTokens && isAbsolute ? positionsOfReal(paddingId!) : undefined,
  });
}
