import type { DecoderConfig } from "../decoder-model.ts";

/** What decides what a decoder computes, with what absent options mean. Rates and first weights only matter in training. */
function settled(config: DecoderConfig): Readonly<Record<string, unknown>> {
  const { numLayers, numHeads, dModel, vocabSize, attentionBias = true, positions } = config;
  const dHead = dModel / numHeads;
  const meant = {
    learned: { offset: 0 },
    rotary: { base: 10000, width: dHead, layout: "half-split", scaling: null },
    alibi: { factor: 1, order: "paper", rounding: null },
  };
  const { embeddingDropout, attentionDropout, residualDropout, feedForwardDropout, ...rest } = config;
  const { initStd, smallBranchEnds, paddingId, ...choices } = rest;
  return {
    ...{ numKvHeads: numHeads, dFF: 4 * dModel, dEmbedding: dModel, headSize: vocabSize, activation: "gelu_new" },
    ...{ projection: "fused", branches: "sequential", placement: "pre", norm: "layer", normEpsilon: 1e-5 },
    ...{
      embeddingNorm: false,
      finalNorm: true,
      headNorm: false,
      feedForwardBias: true,
      tieHead: true,
      headBias: false,
    },
    ...{ scale: 1 / Math.sqrt(dHead), scaleByLayer: false, outputBias: attentionBias, attentionBias, clip: null },
    windows: Array.from({ length: numLayers }, () => null),
    ...choices,
    positions: { ...meant[positions.kind], ...positions },
  };
}

const sorted = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * Refuses a decoder that a family's configuration cannot describe: what it says, read again, must mean the same model.
 *
 * @throws RangeError naming the first option that would be another one
 */
export function checkWritten(modelType: string, config: DecoderConfig, again: DecoderConfig): void {
  // A model without head is one with a tied head, and has no bias there, whatever the family's heads have.
  const isBare = !config.headBias && (config.tieHead ?? true);
  checkSame(modelType, settled(config), { ...settled(again), ...(isBare && { headBias: false }) });
}

/**
 * Compares all options of a model with those that its written configuration says.
 *
 * @throws RangeError naming the first option that differs
 */
export function checkSame(
  modelType: string,
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): void {
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [want, got] = [theirs[key], ours[key]].map((value) => JSON.stringify(value ?? null, sorted));
    if (want !== got)
      throw new RangeError(
        `savePretrained: config.${key} cannot be written as ${modelType}, expected ${want}, got ${got}. Save it as a family that has it`,
      );
  }
}
