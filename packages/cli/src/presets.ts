import {
  bart,
  bartPresets,
  bert,
  bertPresets,
  clip,
  clipPresets,
  decoderModel,
  decoderPresets,
  elmo,
  elmoPresets,
  gpt2,
  gpt2Presets,
  llama,
  llamaPresets,
  mae,
  maePresets,
  t5,
  t5Presets,
  transformer,
  transformerPresets,
  vit,
  vitPresets,
  xlnet,
  xlnetPresets,
} from "@heed/models";
import type { Rng } from "@heed/tensor";

/** A published model: what it is, and its builder, which leaves the weights zero. */
export interface Preset {
  readonly config: unknown;
  build(): object;
}

/** The presets of one builder, by name. */
function of<Config>(
  build: (config: Config, rng: Rng | null) => object,
  configs: Readonly<Record<string, Config>>,
  prefix = "",
): [name: string, preset: Preset][] {
  return Object.entries(configs).map(([name, config]) => [prefix + name, { config, build: () => build(config, null) }]);
}

/** The presets of all builders of `@heed/models`. */
export const presets: ReadonlyMap<string, Preset> = new Map([
  ...of(gpt2, gpt2Presets),
  ...of(decoderModel, decoderPresets),
  ...of(llama, llamaPresets),
  ...of(bert, bertPresets),
  ...of(xlnet, xlnetPresets),
  ...of(elmo, elmoPresets),
  ...of(transformer, transformerPresets, "transformer-"),
  ...of(t5, t5Presets),
  ...of(bart, bartPresets),
  ...of(vit, vitPresets),
  ...of(mae, maePresets),
  ...of(clip, clipPresets),
]);
