import {
  type AttentionFn,
  and,
  ClippedProjection,
  causal,
  FusedProjection,
  type Mask,
  MultiHeadAttention,
  NormalizedProjection,
  type Projection,
  SeparateProjection,
  slidingWindow,
  softmaxAttention,
} from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  createLinear,
  createRmsNorm,
  type Initializer,
  InputEmbedding,
  Linear,
  type Norm,
  normalInit,
  normalizedResidual,
  postNorm,
  preNorm,
  zerosInit,
} from "@heed/nn";
import { learned, type PositionEncoding } from "@heed/positions";
import { layerNorm, type Rng } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { Block, type TransformerBlock } from "./block.ts";
import { byOrder } from "./by-order.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { Decoder } from "./decoder.ts";
import { checkPositions, type PositionsConfig, rotaryPositions, scorePositions } from "./decoder-positions.ts";
import { FactorizedEmbedding, ProjectedNorm } from "./factorized-embedding.ts";
import { ParallelBlock } from "./parallel-block.ts";

/** What a decoder of the GPT family is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface DecoderConfig {
  readonly vocabSize: number;
  readonly maxSeqLen: number;
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number;
  /** default 4 dModel */
  readonly dFF?: number;
  /** width of the token embedding; other than dModel, projections stand behind it and before the head; default dModel */
  readonly dEmbedding?: number;
  /** default gelu_new */
  readonly activation?: ActivationName;
  readonly positions: PositionsConfig;
  /** one matrix for queries, keys and values, or three; default fused */
  readonly projection?: "fused" | "separate";
  /** attention and feed-forward after one another, or side by side with one norm or one each; default sequential */
  readonly branches?: "sequential" | "parallel" | "parallel with two norms";
  /** where the norms of sequential branches stand; "normalized residual": x is norm(x) + branch(norm(x)); default pre */
  readonly placement?: "pre" | "post" | "normalized residual";
  /** layer norms, those without bias, those without gain and bias, or RMS norms; default layer */
  readonly norm?: "layer" | "layer without bias" | "plain layer" | "rms";
  /** default 1e-5 */
  readonly normEpsilon?: number;
  /** a norm of the embeddings; default false */
  readonly embeddingNorm?: boolean;
  /** a norm after the last block; default true */
  readonly finalNorm?: boolean;
  /** layer norms of the queries and keys of each head; default false */
  readonly headNorm?: boolean;
  /** queries, keys and values are held within [-clip, clip]; default any */
  readonly clip?: number;
  /** of queries, keys and values; default true */
  readonly attentionBias?: boolean;
  /** behind attention; default as attentionBias */
  readonly outputBias?: boolean;
  /** default true */
  readonly feedForwardBias?: boolean;
  /** the head is the token embedding; default true */
  readonly tieHead?: boolean;
  /** default false */
  readonly headBias?: boolean;
  /** outputs of a head that is not tied; default vocabSize */
  readonly headSize?: number;
  /** multiplies scores; default 1 / sqrt(head width) */
  readonly scale?: number;
  /** scores of layer i are also divided by i + 1; default false */
  readonly scaleByLayer?: boolean;
  /** keys that queries of each layer see, themselves included, null for all before; default null for all layers */
  readonly windows?: readonly (number | null)[];
  /** token whose embedding its own lookups do not train; default none */
  readonly paddingId?: number;
  /** default 0 */
  readonly embeddingDropout?: number;
  /** default 0 */
  readonly attentionDropout?: number;
  /** default 0 */
  readonly residualDropout?: number;
  /** that of the feed-forward branch of sequential blocks, where it differs; default residualDropout */
  readonly feedForwardDropout?: number;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
  /** first weights of the projections that end a residual branch are smaller by sqrt(2 numLayers), as in GPT-2; default false */
  readonly smallBranchEnds?: boolean;
}

const placements = { pre: preNorm, post: postNorm, "normalized residual": normalizedResidual } as const;

function check({ positions, windows, scale, ...config }: DecoderConfig): void {
  const where = "decoderModel";
  checkConfig(where, config, {
    counts: ["vocabSize", "maxSeqLen", "dModel", "numLayers", "numHeads"],
    optionalCounts: ["numKvHeads", "dFF", "dEmbedding", "headSize"],
    optionalWholes: ["paddingId"],
    rates: ["embeddingDropout", "attentionDropout", "residualDropout", "feedForwardDropout"],
    sizes: ["normEpsilon", "initStd", "clip"],
    flags: [
      ...[
        "embeddingNorm",
        "finalNorm",
        "headNorm",
        "attentionBias",
        "outputBias",
        "feedForwardBias",
        "tieHead",
        "headBias",
        "scaleByLayer",
        "smallBranchEnds",
      ],
    ],
    choices: {
      activation: activationNames,
      projection: ["fused", "separate"],
      branches: ["sequential", "parallel", "parallel with two norms"],
      placement: Object.keys(placements),
      norm: ["layer", "layer without bias", "plain layer", "rms"],
    },
  });
  checkHeads(where, config);
  if (windows && windows.length !== config.numLayers)
    throw new RangeError(
      `${where}: windows has ${windows.length} entries, expected ${config.numLayers} (from numLayers)`,
    );
  if (scale !== undefined && !Number.isFinite(scale))
    throw new RangeError(`${where}: scale is out of range, expected a finite number, got ${scale}`);
  checkPositions(where, positions);
}

/** What the layers of a model share. */
interface Makers {
  readonly weight: Initializer;
  /** of projections that end a residual branch */
  readonly lastWeight: Initializer;
  attention(layer: number): AttentionFn;
  readonly rotary: PositionEncoding | undefined;
  norm(dModel?: number): Norm;
}

function makersOf(config: DecoderConfig, rng: Rng | null): Makers {
  const { dModel, numHeads, numLayers, norm = "layer", normEpsilon: epsilon = 1e-5 } = config;
  const { scale = 1 / Math.sqrt(dModel / numHeads), attentionDropout: rate = 0, initStd = 0.02 } = config;
  const draw = (std: number): Initializer => (rng ? normalInit({ std, rng }) : zerosInit());
  const norms: Readonly<Record<NonNullable<DecoderConfig["norm"]>, (dModel: number) => Norm>> = {
    layer: (width) => createLayerNorm({ dModel: width, epsilon }),
    "layer without bias": (width) => createLayerNorm({ dModel: width, bias: false, epsilon }),
    "plain layer": () => ({ forward: (x) => layerNorm(x, { epsilon }) }),
    rms: (width) => createRmsNorm({ dModel: width, epsilon }),
  };
  return {
    weight: draw(initStd),
    lastWeight: draw(config.smallBranchEnds ? initStd / Math.sqrt(2 * numLayers) : initStd),
    attention: (layer) => softmaxAttention({ scale: config.scaleByLayer ? scale / (layer + 1) : scale, dropout: rate }),
    rotary: rotaryPositions(config),
    norm: (width = dModel) => norms[norm](width),
  };
}

const biasOf = (has: boolean): Initializer | undefined => (has ? zerosInit() : undefined);

function projectionOf(config: DecoderConfig, { weight, norm }: Makers): Projection {
  const { dModel, numHeads, numKvHeads = numHeads, attentionBias = true, headNorm } = config;
  const dHead = dModel / numHeads;
  const heads = { numHeads, numKvHeads };
  const project = (count: number) =>
    createLinear({ dIn: dModel, dOut: count * dHead, weight, bias: biasOf(attentionBias) });
  const free =
    config.projection === "separate"
      ? new SeparateProjection({
          ...{ query: project(numHeads), key: project(numKvHeads), value: project(numKvHeads) },
          ...heads,
        })
      : new FusedProjection({ qkv: project(numHeads + 2 * numKvHeads), ...heads });
  const projection = config.clip ? new ClippedProjection({ projection: free, limit: config.clip }) : free;
  return headNorm ? new NormalizedProjection({ projection, query: norm(dHead), key: norm(dHead) }) : projection;
}

function blockOf(config: DecoderConfig, makers: Makers, layer: number): TransformerBlock {
  const { dModel, dFF = 4 * dModel, activation = "gelu_new", attentionBias = true, branches } = config;
  const { weight, lastWeight, rotary: position, norm } = makers;
  const outputBias = biasOf(config.outputBias ?? attentionBias);
  const parts = {
    norm1: norm(),
    attention: new MultiHeadAttention({
      projection: projectionOf(config, makers),
      output: createLinear({ dIn: dModel, dOut: dModel, weight: lastWeight, bias: outputBias }),
      ...{ attention: makers.attention(layer), position },
    }),
    feedForward: createFeedForward({
      ...{ dModel, dFF, activation: activations[activation], weight, contractWeight: lastWeight },
      bias: biasOf(config.feedForwardBias ?? true),
    }),
    residualDropout: config.residualDropout ?? 0,
  };
  if (branches === "parallel") return new ParallelBlock(parts);
  if (branches === "parallel with two norms") return new ParallelBlock({ ...parts, norm2: norm() });
  const { feedForwardDropout = parts.residualDropout, placement = "pre" } = config;
  return new Block({ ...parts, feedForwardDropout, norm2: norm(), placement: placements[placement] });
}

/** One mask for all layers, or where some have windows one for each; layers with the same window share theirs. */
function masksOf(windows: DecoderConfig["windows"]): Mask | Mask[] {
  const all = byOrder(causal());
  const made = new Map<number, Mask>();
  const near = (windowSize: number): Mask => {
    const found = made.get(windowSize) ?? and(all, slidingWindow({ windowSize }));
    made.set(windowSize, found);
    return found;
  };
  return windows ? windows.map((windowSize) => (windowSize === null ? all : near(windowSize))) : all;
}

function embeddingOf(config: DecoderConfig, { weight }: Makers): InputEmbedding {
  const { vocabSize, maxSeqLen, dModel, dEmbedding = dModel, positions, paddingId } = config;
  const table = createEmbedding({ numEmbeddings: vocabSize, dModel: dEmbedding, weight, paddingId });
  return new InputEmbedding({
    tokens:
      dEmbedding === dModel
        ? table
        : new FactorizedEmbedding(table, createLinear({ dIn: dEmbedding, dOut: dModel, weight })),
    position:
      positions.kind === "learned"
        ? learned({ maxSeqLen, dModel, offset: positions.offset ?? 0, table: weight })
        : undefined,
  });
}

function headOf(config: DecoderConfig, embedding: InputEmbedding, { weight }: Makers): Linear | undefined {
  const { dModel, dEmbedding = dModel, vocabSize, headSize = vocabSize, tieHead = true, headBias = false } = config;
  if (!tieHead) return createLinear({ dIn: dEmbedding, dOut: headSize, weight, bias: biasOf(headBias) });
  return headBias ? new Linear(embedding.tokens.weight, zerosInit()([vocabSize])) : undefined;
}

function lastNormOf({ dModel, dEmbedding = dModel, finalNorm = true }: DecoderConfig, { weight, norm }: Makers) {
  const last = finalNorm ? norm() : undefined;
  return dEmbedding === dModel
    ? last
    : new ProjectedNorm(last, createLinear({ dIn: dModel, dOut: dEmbedding, weight }));
}

/**
 * A decoder of the GPT family by its choices: GPT, GPT-2, GPT-Neo, GPT-NeoX, GPT-J, Phi, OPT, BLOOM, MPT, Falcon and image GPT
 * differ by these alone (`gpt2` makes them under its own names). `llama` is a builder of its own.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1.
 *
 * Shapes: forward tokens int32 [B, T] -> logits [B, T, V], or [B, T, headSize].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Radford et al. 2018, Improving Language Understanding by Generative Pre-Training (GPT); Black et al. 2022, GPT-NeoX-20B,
 *   arXiv:2204.06745; Zhang et al. 2022, OPT, arXiv:2205.01068; BigScience 2022, BLOOM, arXiv:2211.05100; Almazrouei et al. 2023,
 *   Falcon, arXiv:2311.16867; Chen et al. 2020, Generative Pretraining from Pixels (image GPT).
 * @example
 * const sizes = { vocabSize: 65, maxSeqLen: 64, dModel: 32, numLayers: 2, numHeads: 4 };
 * const model = decoderModel({ ...sizes, positions: { kind: "alibi" }, branches: "parallel" }, rng(0));
 */
export function decoderModel(config: DecoderConfig, rng: Rng | null): Decoder {
  check(config);
  const makers = makersOf(config, rng);
  const embedding = embeddingOf(config, makers);
  return new Decoder({
    embedding,
    embeddingNorm: config.embeddingNorm ? makers.norm() : undefined,
    embeddingDropout: config.embeddingDropout ?? 0,
    bias: scorePositions(config),
    blocks: Array.from({ length: config.numLayers }, (_, layer) => blockOf(config, makers, layer)),
    norm: lastNormOf(config, makers),
    head: headOf(config, embedding, makers),
    maxSeqLen: config.maxSeqLen,
    mask: masksOf(config.windows),
  });
}
