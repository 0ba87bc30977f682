import { add, formatShape, multiply, relu, ShapeError, sigmoid, subtract, type Tensor } from "@heed/tensor";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";

/**
 * A layer that lets part of its input through: g * x + (1 - g) * relu(transform(x)), g = sigmoid(gate(x)).
 *
 * Shapes: transform and gate E -> E; x [..., E] -> [..., E].
 * @see Srivastava, Greff and Schmidhuber 2015, Highway Networks, arXiv:1505.00387; g carries, as in ELMo.
 */
export class Highway {
  readonly transform: Linear;
  readonly gate: Linear;

  /** @throws ShapeError if a layer is not E -> E */
  constructor(transform: Linear, gate: Linear) {
    const { dIn } = transform;
    for (const [name, { weight }] of Object.entries({ transform, gate }))
      if (weight.shape[0] !== dIn || weight.shape[1] !== dIn)
        throw new ShapeError(`Highway: ${name} has weight ${formatShape(weight.shape)}, expected [${dIn}, ${dIn}]`);
    this.transform = transform;
    this.gate = gate;
  }

  forward(x: Tensor): Tensor {
    const carry = sigmoid(this.gate.forward(x));
    return add(multiply(carry, x), multiply(subtract(1, carry), relu(this.transform.forward(x))));
  }
}

/**
 * A highway layer with new weights.
 *
 * @param options.bias first values of the transform's bias; without it there is none
 * @param options.gateBias first values of the gate's bias, above 0 to carry at first, as ELMo's 1; default `bias`
 * @example
 * const highway = createHighway({ dModel: 4, weight: zerosInit(), bias: zerosInit(), gateBias: onesInit() });
 */
export function createHighway({
  dModel,
  weight,
  bias,
  gateBias = bias,
}: {
  readonly dModel: number;
  readonly weight: Initializer;
  readonly bias?: Initializer | undefined;
  readonly gateBias?: Initializer | undefined;
}): Highway {
  const widths = { dIn: dModel, dOut: dModel, weight };
  return new Highway(createLinear({ ...widths, bias }), createLinear({ ...widths, bias: gateBias }));
}
