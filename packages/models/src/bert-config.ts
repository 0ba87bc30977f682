import { activationNames } from "./activations.ts";
import type { BertConfig } from "./bert.ts";
import { checkConfig, checkHeads } from "./check-config.ts";

/** Throws a RangeError that names the first option that is unknown or out of range. */
export function checkBertConfig({ heads = {}, sharing, ...config }: BertConfig): void {
  checkConfig("bert", config, {
    counts: ["vocabSize", "maxSeqLen", "dModel", "numLayers", "numHeads", "dFF"],
    optionalCounts: ["dEmbedding"],
    optionalWholes: ["numSegments", "paddingId"],
    rates: ["dropout", "attentionDropout"],
    sizes: ["layerNormEpsilon", "initStd"],
    flags: ["causal", "countRealTokens", "tieHead", "projectEmbedding"],
    choices: {
      activation: activationNames,
      positions: ["absolute", "relative", "relative-both"],
      dropoutBranches: ["both", "attention", "feed-forward"],
    },
  });
  checkHeads("bert", config);
  const { numLayers } = config;
  if (config.countRealTokens && config.paddingId === undefined)
    throw new RangeError(
      "bert: paddingId is missing, expected a token id because of countRealTokens, got undefined. Other tokens are real",
    );
  if (sharing) checkConfig("bert: sharing", sharing, { counts: ["numGroups", "layersPerGroup"] });
  if (sharing && sharing.numGroups > numLayers)
    throw new RangeError(
      `bert: sharing.numGroups is out of range, expected at most numLayers=${numLayers}, got ${sharing.numGroups}`,
    );
  for (const [name, { dense, out, ...head }] of Object.entries(heads)) {
    const where = `bert: heads.${name}`;
    checkConfig(where, head, {
      rates: ["dropout", "dropoutBefore"],
      flags: ["norm"],
      choices: { tokens: ["first", "second", "mean", "each", "each behind the first"] },
    });
    if (dense) checkConfig(`${where}.dense`, dense, { counts: ["dOut"], choices: { activation: activationNames } });
    if (typeof out === "number") checkConfig(where, { out }, { counts: ["out"] });
  }
}
