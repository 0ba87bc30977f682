import { activationNames, activations } from "./activations.ts";
import type { Gpt2Config } from "./gpt2.ts";

const counts = ["vocabSize", "maxSeqLen", "dModel", "numLayers", "numHeads", "dFF"] as const;
const rates = ["embeddingDropout", "attentionDropout", "residualDropout"] as const;
const known: ReadonlySet<string> = new Set<keyof Gpt2Config>([
  ...counts,
  ...rates,
  "activation",
  "bias",
  "layerNormEpsilon",
  "tieHead",
  "scaleScores",
  "scaleScoresByLayer",
  "initStd",
]);

/** Throws a RangeError that names the first option that is unknown or out of range. */
export function checkGpt2Config(config: Gpt2Config): void {
  const refuse = (problem: string): never => {
    throw new RangeError(`gpt2: ${problem}`);
  };
  for (const key of Object.keys(config)) {
    if (!known.has(key)) refuse(`config has an unknown key, expected one of ${[...known].join(", ")}, got ${key}`);
  }
  for (const key of counts) {
    const value = config[key];
    if (value === undefined && key === "dFF") continue;
    if (!Number.isSafeInteger(value) || value! < 1)
      refuse(`${key} is out of range, expected a whole number >= 1, got ${String(value)}`);
  }
  for (const key of rates) {
    const value = config[key] ?? 0;
    if (!(value >= 0 && value < 1))
      refuse(`${key} is out of range, expected a probability in [0, 1), got ${String(value)}`);
  }
  const { dModel, numHeads, activation = "gelu_new", initStd = 0.02 } = config;
  if (dModel % numHeads !== 0)
    refuse(`numHeads does not divide the width, expected a divisor of dModel=${dModel}, got ${numHeads}`);
  if (!Object.hasOwn(activations, activation))
    refuse(`activation is unknown, expected one of ${activationNames.join(", ")}, got ${String(activation)}`);
  if (!(initStd >= 0 && Number.isFinite(initStd)))
    refuse(`initStd is out of range, expected a finite number >= 0, got ${initStd}`);
}
