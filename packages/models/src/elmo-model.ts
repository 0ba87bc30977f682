import {
  type CharacterCnn,
  type Embedding,
  type Highway,
  type Linear,
  type LstmCell,
  recur,
  type ScalarMix,
} from "@heed/nn";
import {
  add,
  bindShapes,
  cast,
  concatenate,
  DTypeError,
  divide,
  expandDims,
  multiply,
  type Rng,
  reshape,
  rsqrt,
  select,
  slice,
  subtract,
  sum,
  type Tensor,
} from "@heed/tensor";
import { drop } from "./drop.ts";
import { type ElmoSentences, measured, withBoundaries } from "./elmo-sentences.ts";

/** What an {@link Elmo} is made of. */
export interface ElmoParts {
  readonly characters: Embedding;
  readonly words: CharacterCnn;
  readonly highways: readonly Highway[];
  readonly projection: Linear;
  /** one for each layer */
  readonly forwardCells: readonly LstmCell[];
  readonly backwardCells: readonly LstmCell[];
  /** one for each representation */
  readonly mixes: readonly ScalarMix[];
  /** over the words, the same for both directions */
  readonly head?: Linear | undefined;
  /** ids of a word */
  readonly maxCharacters: number;
  /** layers from the second on add what they read to what they give; default true */
  readonly skipConnections?: boolean | undefined;
  /** every layer is normalized over all words before it is mixed; default false */
  readonly normalizeLayers?: boolean | undefined;
  /** of what each layer and the head read; default 0 */
  readonly dropout?: number | undefined;
  /** of representations; default 0 */
  readonly representationDropout?: number | undefined;
}

/** Options of a call. */
export interface ElmoOptions {
  /** drops; without it nothing is dropped */
  readonly rng?: Rng | undefined;
}

/** What the layers say of sentences between their boundaries. T' = T + 2, or T where no boundaries were added. */
export interface ElmoLayers {
  /** from the characters of each word alone [B, T', P] */
  readonly embeddings: Tensor;
  /** the embeddings twice, then each layer, forward beside backward: [B, T', 2 P]; 0 behind a sentence's end */
  readonly layers: readonly Tensor[];
  /** bool [B, T']: true at words and boundaries */
  readonly mask: Tensor;
}

/** What a model makes of sentences. */
export interface ElmoOutputs {
  /** one for each mix [B, T, 2 P]; 0 behind a sentence's end */
  readonly representations: readonly Tensor[];
  /** bool [B, T]: true at words */
  readonly mask: Tensor;
}

/** Each direction, layer by layer [B, T', P]; before them the embeddings. */
interface Directions {
  readonly forward: readonly Tensor[];
  readonly backward: readonly Tensor[];
  readonly mask: Tensor;
}

const isElmoBrand = Symbol.for("@heed/models/Elmo");

/**
 * ELMo: words from characters, two language models of opposite directions above them, learned mixtures of their layers.
 *
 * States start at zero in every call.
 *
 * Shapes: characters int32 [B, T, maxCharacters] of {@link elmoCharacters} -> representations [B, T, 2 P].
 * @see Peters et al. 2018, Deep contextualized word representations, section 3, arXiv:1802.05365; AllenNLP, `Elmo`.
 *   Differs: no state is carried from one call to the next.
 */
export class Elmo {
  readonly characters: Embedding;
  readonly words: CharacterCnn;
  readonly highways: readonly Highway[];
  readonly projection: Linear;
  readonly forwardCells: readonly LstmCell[];
  readonly backwardCells: readonly LstmCell[];
  readonly mixes: readonly ScalarMix[];
  readonly head: Linear | undefined;
  readonly maxCharacters: number;
  readonly skipConnections: boolean;
  readonly normalizeLayers: boolean;
  readonly dropout: number;
  readonly representationDropout: number;
  readonly [isElmoBrand] = true;

  /** @throws RangeError if the directions have different numbers of layers */
  constructor(parts: ElmoParts) {
    const [forward, backward] = [parts.forwardCells.length, parts.backwardCells.length];
    if (forward !== backward || forward === 0)
      throw new RangeError(
        `Elmo: backwardCells has ${backward} layers, expected as many as forwardCells and at least one, got ${backward} and ${forward}`,
      );
    this.characters = parts.characters;
    this.words = parts.words;
    this.highways = parts.highways;
    this.projection = parts.projection;
    this.forwardCells = parts.forwardCells;
    this.backwardCells = parts.backwardCells;
    this.mixes = parts.mixes;
    this.head = parts.head;
    this.maxCharacters = parts.maxCharacters;
    this.skipConnections = parts.skipConnections ?? true;
    this.normalizeLayers = parts.normalizeLayers ?? false;
    this.dropout = parts.dropout ?? 0;
    this.representationDropout = parts.representationDropout ?? 0;
  }

  /**
   * Representations of words.
   *
   * @param options.keepBoundaries give those of the boundaries too: [B, T + 2, 2 P]; default false
   * @throws ShapeError if characters is not [B, T, maxCharacters]; RangeError if padding stands before a word
   */
  forward(characters: Tensor, options: ElmoOptions & { readonly keepBoundaries?: boolean } = {}): ElmoOutputs {
    const T = this.check(characters);
    const { layers, mask } = this.layers(characters, options);
    const mixed = this.normalizeLayers ? layers.map((layer) => normalized(layer, mask)) : layers;
    const dropped = (x: Tensor): Tensor => drop(x, this.representationDropout, options.rng);
    const all = this.mixes.map((mix) => mix.forward(mixed));
    if (options.keepBoundaries) return { representations: all.map(dropped), mask };
    const words = measured(characters).mask;
    return { representations: all.map((x) => dropped(masked(inner(x, T), words))), mask: words };
  }

  /**
   * What each layer says.
   *
   * @param options.boundaries stand sentences between boundaries first; default true
   * @throws as {@link Elmo.forward}
   */
  layers(characters: Tensor, options: ElmoOptions & { readonly boundaries?: boolean } = {}): ElmoLayers {
    const { forward, backward, mask } = this.directions(characters, options);
    const layers = forward.map((x, i) => concatenate([x, backward[i]!], { axis: -1 }));
    return { embeddings: forward[0]!, layers: [masked(layers[0]!, mask), ...layers.slice(1)], mask };
  }

  /**
   * What the two language models expect behind and before each place, as `bidirectionalLM` of `@heed/objectives` takes it.
   *
   * Shapes: characters [B, T, maxCharacters] -> [B, T + 2, V] each way; without boundaries [B, T, V].
   *
   * @param options.boundaries stand sentences between boundaries first; default true
   * @throws TypeError if the model has no head; else as {@link Elmo.forward}
   */
  predict(
    characters: Tensor,
    options: ElmoOptions & { readonly boundaries?: boolean } = {},
  ): { readonly forward: Tensor; readonly backward: Tensor } {
    const { head } = this;
    if (!head)
      throw new TypeError("Elmo: predict has no head, expected one over the words, got none. Build with vocabSize");
    const { forward, backward } = this.directions(characters, options);
    const logits = (states: readonly Tensor[]): Tensor => head.forward(drop(states.at(-1)!, this.dropout, options.rng));
    return { forward: logits(forward), backward: logits(backward) };
  }

  /** T. */
  private check(characters: Tensor): number {
    const { C, T } = bindShapes("Elmo", { characters: [characters, "B T C"] });
    if (characters.dtype !== "int32")
      throw new DTypeError(`Elmo: characters has dtype ${characters.dtype}, expected int32. See elmoCharacters`);
    if (C !== this.maxCharacters)
      throw new RangeError(
        `Elmo: characters has ${C} ids of each word, expected ${this.maxCharacters} (maxCharacters), got ${C}. See elmoCharacters`,
      );
    return T;
  }

  /** Shapes: characters [B, T, C] -> [B, T, P]. */
  private embed(characters: Tensor): Tensor {
    const [B, T, C] = characters.shape as [number, number, number];
    const words = this.words.forward(this.characters.forward(reshape(characters, [B * T, C])));
    const carried = this.highways.reduce((x, highway) => highway.forward(x), words);
    return reshape(this.projection.forward(carried), [B, T, this.projection.dOut]);
  }

  private directions(
    given: Tensor,
    { boundaries = true, rng }: ElmoOptions & { readonly boundaries?: boolean },
  ): Directions {
    this.check(given);
    const bare = measured(given);
    const { characters, lengths, mask }: ElmoSentences = boundaries ? withBoundaries(bare) : bare;
    const embeddings = this.embed(characters);
    const run = (cells: readonly LstmCell[], backward: boolean): Tensor[] => {
      const states = [embeddings];
      for (const [layer, cell] of cells.entries()) {
        const x = drop(states[layer]!, this.dropout, rng);
        const { y } = recur(cell, x, { backward, lengths });
        states.push(layer > 0 && this.skipConnections ? add(y, x) : y);
      }
      return states;
    };
    return { forward: run(this.forwardCells, false), backward: run(this.backwardCells, true), mask };
  }
}

/** Whether a value is an {@link Elmo}, of whichever copy of this package. */
export function isElmo(value: unknown): value is Elmo {
  return typeof value === "object" && value !== null && isElmoBrand in value;
}

const masked = (x: Tensor, mask: Tensor): Tensor => select(expandDims(mask, -1), x, 0);

/** Without the first place and the last. */
function inner(x: Tensor, T: number): Tensor {
  const [B, , E] = x.shape as [number, number, number];
  return slice(x, [0, 1, 0], [B, T, E]);
}

/** Mean 0 and variance 1 over all values at places that count. */
function normalized(x: Tensor, mask: Tensor): Tensor {
  const count = multiply(sum(cast(mask, x.dtype)), x.shape.at(-1)!);
  const centered = subtract(x, divide(sum(masked(x, mask)), count));
  const inside = masked(centered, mask);
  return multiply(centered, rsqrt(add(divide(sum(multiply(inside, inside)), count), 1e-12)));
}
