import type { AttentionFn } from "@heed/attention";
import { type Initializer, normalInit, parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { globalNorm, item, rng, scope, valueAndGradients } from "@heed/tensor";
import type { MatrixObjective } from "./batch.ts";
import { type PositionChoice, tinyModel } from "./tiny-model.ts";

/** What training a combination showed. */
export interface Cell {
  readonly before: number;
  /** the lowest loss of the steps after: choices of a hard attention flip, and the loss may jump between falls */
  readonly after: number;
  /** whether loss and gradients were numbers at every step */
  readonly finite: boolean;
}

const steps = 4;

/** Tried in this order. A hard attention's loss jumps where a choice flips, and at one rate it may do so at every step. */
const learningRates = [3e-3, 1e-3, 1e-2];

/** Trains one combination on one batch for some steps, from a seed, at the first learning rate at which the loss falls. */
export function trainCell(...parts: CellParts): Cell {
  const [first, ...others] = learningRates as [number, ...number[]];
  let cell = trainAt(first, ...parts);
  for (const rate of others) if (!(cell.after < cell.before)) cell = trainAt(rate, ...parts);
  return cell;
}

type CellParts = [
  makeAttention: (init: Initializer) => AttentionFn,
  makePosition: (init: Initializer) => PositionChoice,
  objective: MatrixObjective,
];

function trainAt(learningRate: number, ...[makeAttention, makePosition, objective]: CellParts): Cell {
  return scope(() => {
    const model = tinyModel(makeAttention, makePosition, rng(1));
    const { heads, loss } = objective.start(normalInit({ std: 0.3, rng: rng(2) }), rng(3));
    const optimizer = adamW({ parameters: parameters({ parts: model.parts, heads }), learningRate });
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
    return { before: losses[0]!, after: Math.min(...losses.slice(1)), finite };
  });
}
