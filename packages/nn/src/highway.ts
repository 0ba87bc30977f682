import { add, concatenate, max, multiply, relu, sigmoid, subtract, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import type { Convolution } from "./convolution.ts";
import type { Linear } from "./linear.ts";

/**
 * A layer that lets part of its input through: g * x + (1 - g) * relu(transform(x)), g = sigmoid(gate(x)).
 *
 * Shapes: transform and gate E -> E; x [..., E] -> [..., E].
 * @see Srivastava, Greff and Schmidhuber 2015, Highway Networks, arXiv:1505.00387; g carries, as in ELMo.
 */
export class Highway {
  readonly transform: Linear;
  readonly gate: Linear;

  constructor(transform: Linear, gate: Linear) {
    this.transform = transform;
    this.gate = gate;
  }

  forward(x: Tensor): Tensor {
    const carry = sigmoid(this.gate.forward(x));
    return add(multiply(carry, x), multiply(subtract(1, carry), relu(this.transform.forward(x))));
  }
}

/**
 * Vectors of words from their characters: convolutions of several widths, the largest value of each over the word.
 *
 * Shapes: x [N, characters, Echar] -> [N, sum of the channels].
 * @see Kim et al. 2015, Character-Aware Neural Language Models, section 2, arXiv:1508.06615; Peters et al. 2018, ELMo.
 */
export class CharacterCnn {
  readonly convolutions: readonly Convolution[];
  readonly activation: Activation;

  constructor(convolutions: readonly Convolution[], activation: Activation) {
    this.convolutions = convolutions;
    this.activation = activation;
  }

  forward(x: Tensor): Tensor {
    const largest = this.convolutions.map((layer) => this.activation(max(layer.forward(x), { axes: 1 })));
    return concatenate(largest, { axis: -1 });
  }
}
