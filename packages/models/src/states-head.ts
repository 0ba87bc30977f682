import { createLayerNorm, createLinear, type Initializer, Linear, type Norm, zerosInit } from "@heed/nn";
import { bindShapes, gather, mean, type Rng, reshape, slice, type Tensor } from "@heed/tensor";
import { type ActivationName, activations } from "./activations.ts";
import { drop } from "./drop.ts";

/** What reads the states of an encoder. */
export interface EncoderHead {
  /** [B, T, E] -> whatever it finds in them */
  forward(states: Tensor, options?: HeadOptions): Tensor;
}

/** What one call of a head takes beside the states. */
export interface HeadOptions {
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
  /** int32 [N], the places among all B T that a head of each token reads; default all. Other heads pass it over */
  readonly places?: Tensor | undefined;
}

/** Which states a head reads: of one token (the last whatever it is, padding too), the mean of all, of each, or of some of them. */
export type TokensRead =
  | "first"
  | "second"
  | "last"
  | "mean"
  | "each"
  | "each behind the first"
  | "each behind the second"
  | "each but the ends";

/** What a {@link StatesHead} is, as data. Widths in values; rates are probabilities in [0, 1). */
export interface HeadConfig {
  /** which states it reads: that of one token, the mean of all, those of each, or of each behind the first or second (patches) */
  readonly tokens: TokensRead;
  /** of what it reads; default 0 */
  readonly dropoutBefore?: number;
  /** a layer before the last; default none */
  readonly dense?: { readonly dOut: number; readonly activation: ActivationName };
  /** a norm behind that layer, or of what is read; default false */
  readonly norm?: boolean;
  /** of what the last layer reads; default 0 */
  readonly dropout?: number;
  /** a bias in the last layer; default true */
  readonly outBias?: boolean;
  /** width of the last layer, or a score for each token of the vocabulary; default no last layer */
  readonly out?: number | "vocabulary";
}

/** What a {@link StatesHead} is made of. */
export interface StatesHeadParts {
  readonly tokens: TokensRead;
  readonly dense?: Linear | undefined;
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
  readonly norm?: Norm | undefined;
  readonly out?: Linear | undefined;
  readonly dropoutBefore?: number;
  readonly dropout?: number;
}

/**
 * A head of an encoder: the states it reads, a layer with activation and norm, a last layer, each where there is one.
 *
 * Shapes: states [B, T, E] -> [B, out] of one token or the mean, [B, T, out] of each, or [N, out] of each of some places.
 * @see Devlin et al. 2018, BERT, sections 3.1 (pretraining) and 4 (fine-tuning), arXiv:1810.04805.
 */
export class StatesHead implements EncoderHead {
  readonly tokens: TokensRead;
  readonly dense: Linear | undefined;
  readonly activation: ((x: Tensor) => Tensor) | undefined;
  readonly norm: Norm | undefined;
  readonly out: Linear | undefined;
  readonly dropoutBefore: number;
  readonly dropout: number;

  constructor({ tokens, dense, activation, norm, out, dropoutBefore = 0, dropout = 0 }: StatesHeadParts) {
    this.tokens = tokens;
    this.dense = dense;
    this.activation = activation;
    this.norm = norm;
    this.out = out;
    this.dropoutBefore = dropoutBefore;
    this.dropout = dropout;
  }

  forward(states: Tensor, { rng, places }: HeadOptions = {}): Tensor {
    const found = places && this.tokens === "each" ? statesAt(states, places) : readers[this.tokens](states);
    const read = drop(found, this.dropoutBefore, rng);
    const dense = this.dense ? this.dense.forward(read, this.activation) : read;
    const normalized = drop(this.norm ? this.norm.forward(dense) : dense, this.dropout, rng);
    return this.out ? this.out.forward(normalized) : normalized;
  }
}

/** [B, T, E] -> [B, E]. */
function tokenAt(states: Tensor, place: number): Tensor {
  const [B, , E] = states.shape as [number, number, number];
  return reshape(slice(states, [0, place, 0], [B, 1, E]), [B, E]);
}

/** [B, T, E] -> [N, E]. */
function statesAt(states: Tensor, places: Tensor): Tensor {
  const [B, T, E] = states.shape as [number, number, number];
  bindShapes("StatesHead", { places: [places, "N"] });
  return gather(reshape(states, [B * T, E]), places);
}

/** [B, T, E] -> [B, T - first, E]. */
function tokensFrom(states: Tensor, first: number): Tensor {
  const [B, T, E] = states.shape as [number, number, number];
  return slice(states, [0, first, 0], [B, T - first, E]);
}

const readers: Readonly<Record<TokensRead, (states: Tensor) => Tensor>> = {
  first: (states) => tokenAt(states, 0),
  second: (states) => tokenAt(states, 1),
  last: (states) => tokenAt(states, states.shape[1]! - 1),
  mean: (states) => mean(states, { axes: 1 }),
  each: (states) => states,
  "each behind the first": (states) => tokensFrom(states, 1),
  "each behind the second": (states) => tokensFrom(states, 2),
  "each but the ends": (states) => {
    const [B, T, E] = states.shape as [number, number, number];
    return slice(states, [0, 1, 0], [B, T - 2, E]);
  },
};

/** What {@link createStatesHead} takes beside the configuration. */
export interface StatesHeadOptions {
  readonly dModel: number;
  readonly weight: Initializer;
  readonly layerNormEpsilon: number;
  /** [V, D], the weight of a last layer over the vocabulary */
  readonly vocabulary: () => Tensor;
}

/** A {@link StatesHead} with new weights; its biases are 0. */
export function createStatesHead(config: HeadConfig, options: StatesHeadOptions): StatesHead {
  const { dModel, weight, layerNormEpsilon: epsilon, vocabulary } = options;
  const { tokens, dense, norm = false, out, outBias = true, dropoutBefore = 0, dropout: rate = 0 } = config;
  const width = dense?.dOut ?? dModel;
  const last = (): Linear | undefined => {
    if (out === undefined) return undefined;
    if (typeof out === "number")
      return createLinear({ dIn: width, dOut: out, weight, bias: outBias ? zerosInit() : undefined });
    const table = vocabulary();
    return new Linear(table, zerosInit()([table.shape[0]!]));
  };
  return new StatesHead({
    ...{ tokens, dropoutBefore, dropout: rate },
    dense: dense && createLinear({ dIn: dModel, dOut: dense.dOut, weight, bias: zerosInit() }),
    activation: dense && activations[dense.activation],
    norm: norm ? createLayerNorm({ dModel: width, bias: true, epsilon }) : undefined,
    out: last(),
  });
}

/** What each head finds in the states, by its name. */
export function readHeads(
  heads: Readonly<Record<string, EncoderHead>>,
  states: Tensor,
  options: HeadOptions,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(heads).map(([name, head]) => [name, head.forward(states, options)]));
}

/**
 * Heads by name with new weights, for states of any model; their biases are 0.
 *
 * @throws RangeError if one scores the vocabulary: that needs its embedding, which {@link createStatesHead} takes
 */
export function createHeads<Name extends string>(
  heads: Readonly<Record<Name, HeadConfig>>,
  { dModel, weight }: Pick<StatesHeadOptions, "dModel" | "weight">,
): Readonly<Record<Name, StatesHead>> {
  const made = Object.entries<HeadConfig>(heads).map(([name, head]) => {
    const vocabulary = (): never => {
      throw new RangeError(
        `createHeads: head ${name} scores the vocabulary, expected a number of outputs, got out: "vocabulary". Make it with createStatesHead`,
      );
    };
    return [name, createStatesHead(head, { dModel, weight, layerNormEpsilon: 1e-5, vocabulary })];
  });
  return Object.fromEntries(made) as Record<Name, StatesHead>;
}
