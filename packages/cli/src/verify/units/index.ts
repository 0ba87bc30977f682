import { runActivations } from "./activations.ts";
import { runAttention } from "./attention.ts";
import { runAdditiveAttention } from "./attention-additive.ts";
import { runTorchAttention } from "./attention-torch.ts";
import { runAttentionVariants } from "./attention-variants.ts";
import { runLosses } from "./losses.ts";
import { runLstm } from "./lstm.ts";
import { runNorms } from "./norms.ts";
import { runObjectives } from "./objectives.ts";
import { runOptimizers } from "./optimizers.ts";
import { runPositions } from "./positions.ts";
import { runSchedules } from "./schedules.ts";
import { runTorchTransformer } from "./torch-transformer.ts";
import type { UnitRunner } from "./unit-runner.ts";

/** Runners by the name of the fixture in `golden.json`, whole or before a further `-`. */
const runners: Readonly<Record<string, UnitRunner>> = {
  "torch-multihead-attention": runTorchAttention,
  "torch-transformer": runTorchTransformer,
  "unit-additive-attention": runAdditiveAttention,
  "unit-attention": runAttention,
  "unit-attention-variants": runAttentionVariants,
  "unit-losses": runLosses,
  "unit-objectives": runObjectives,
  "unit-positions": runPositions,
  "unit-norms": runNorms,
  "unit-activations": runActivations,
  "torch-lstm": runLstm,
  "unit-optimizers": runOptimizers,
  "unit-schedules": runSchedules,
};

/** The runner of a fixture without a model, if it is one. */
export function unitRunnerOf(fixture: string): UnitRunner | undefined {
  const names = Object.keys(runners).filter((name) => fixture === name || fixture.startsWith(`${name}-`));
  const longest = names.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : runners[longest];
}
