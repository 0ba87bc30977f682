import { everyAttention } from "@heed/attention/testing";
import { type Cell, trainCell } from "./cell.ts";
import { matrixObjectives } from "./objectives/index.ts";
import { matrixPositions } from "./positions.ts";
import { type Refusal, whyNot } from "./why-not.ts";

/** One combination by its names. */
export interface Combination {
  readonly attention: string;
  readonly position: string;
  readonly objective: string;
  /** why it makes no sense, if so */
  readonly refusal: Refusal | undefined;
}

/** Every attention with every position encoding and every objective. */
export function combinations(): Combination[] {
  return Object.keys(everyAttention).flatMap((attention) =>
    Object.keys(matrixPositions).flatMap((position) =>
      Object.entries(matrixObjectives).map(([objective, facts]) => ({
        ...{ attention, position, objective },
        refusal: whyNot(attention, position, facts),
      })),
    ),
  );
}

/** Trains a combination. */
export function run({ attention, position, objective }: Combination): Cell {
  return trainCell(everyAttention[attention]!, matrixPositions[position]!, matrixObjectives[objective]!);
}
