import { concatenate, max, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import { type Convolution, createConvolution } from "./convolution.ts";
import type { Initializer } from "./init.ts";

/**
 * Vectors of words from their characters: convolutions of several widths, the largest value of each over the word.
 *
 * Shapes: x [N, characters, Echar] -> [N, sum of the channels].
 * @see Kim et al. 2015, Character-Aware Neural Language Models, section 2, arXiv:1508.06615; Peters et al. 2018, ELMo.
 */
export class CharacterCnn {
  readonly convolutions: readonly Convolution[];
  readonly activation: Activation;

  /** @throws RangeError if there is no convolution */
  constructor(convolutions: readonly Convolution[], activation: Activation) {
    if (convolutions.length === 0) throw new RangeError("CharacterCnn: convolutions is empty, expected at least one");
    this.convolutions = convolutions;
    this.activation = activation;
  }

  forward(x: Tensor): Tensor {
    const largest = this.convolutions.map((layer) => this.activation(max(layer.forward(x), { axes: 1 })));
    return concatenate(largest, { axis: -1 });
  }
}

/**
 * A character CNN with new weights.
 *
 * @param options.filters for each convolution its window, in characters, and its channels
 * @example
 * const words = createCharacterCnn({ dCharacter: 4, filters: [{ size: 1, dOut: 8 }, { size: 3, dOut: 16 }], activation: reluActivation, weight: zerosInit() });
 */
export function createCharacterCnn({
  dCharacter,
  filters,
  activation,
  weight,
  bias,
}: {
  readonly dCharacter: number;
  readonly filters: readonly { readonly size: number; readonly dOut: number }[];
  readonly activation: Activation;
  readonly weight: Initializer;
  readonly bias?: Initializer | undefined;
}): CharacterCnn {
  const layers = filters.map(({ size, dOut }) => createConvolution({ dIn: dCharacter, dOut, size, weight, bias }));
  return new CharacterCnn(layers, activation);
}
