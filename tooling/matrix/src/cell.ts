import type { AttentionFn } from "@heed/attention";
import { type Initializer, normalInit, parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { globalNorm, item, rng, scope, valueAndGradients } from "@heed/tensor";
import type { MatrixObjective } from "./objectives.ts";
import { type PositionChoice, tinyModel } from "./tiny-model.ts";

/** What training a combination showed. */
export interface Cell {
  readonly before: number;
  readonly after: number;
  /** whether loss and gradients were numbers at every step */
  readonly finite: boolean;
}

const steps = 4;

/** Trains one combination on one batch for some steps, from a seed. */
export function trainCell(
  makeAttention: (init: Initializer) => AttentionFn,
  makePosition: (init: Initializer) => PositionChoice,
  objective: MatrixObjective,
): Cell {
  return scope(() => {
    const model = tinyModel(makeAttention, makePosition, rng(1));
    const { heads, loss } = objective.start(normalInit({ std: 0.3, rng: rng(2) }), rng(3));
    const optimizer = adamW({ parameters: parameters({ parts: model.parts, heads }), learningRate: 0.02 });
    const losses: number[] = [];
    let finite = true;
    for (let step = 0; step <= steps; step++) {
      scope(() => {
        // The same noise at every step, so that the losses can be compared.
        const { value, gradients } = valueAndGradients(() => loss(model, rng(4)), optimizer.parameters);
        losses.push(item(value));
        finite &&= Number.isFinite(item(value)) && Number.isFinite(item(globalNorm(Object.values(gradients))));
        if (step < steps) optimizer.step(gradients);
      });
    }
    return { before: losses[0]!, after: losses.at(-1)!, finite };
  });
}
