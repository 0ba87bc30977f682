import { badInput, wrongUse } from "../errors.ts";

/** Everything that decides what a run computes. Saved with each snapshot and compared before it is continued. */
export interface TrainSettings {
  /** text files, as absolute paths */
  readonly files: readonly string[];
  /** CRC-32 of the text, in hexadecimal */
  readonly textChecksum: string;
  readonly tokenizer: TokenizerKind;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  /** tokens */
  readonly context: number;
  /** probability in [0, 1) */
  readonly dropout: number;
  readonly bias: boolean;
  /** updates */
  readonly steps: number;
  /** sequences in a batch */
  readonly batch: number;
  /** batches in an update */
  readonly accumulate: number;
  /** peak learning rate */
  readonly lr: number;
  readonly minLr: number;
  /** updates */
  readonly warmup: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly weightDecay: number;
  /** global gradient norm; 0: no clipping */
  readonly clip: number;
  /** fraction of the text, from its end, that is not trained on */
  readonly validation: number;
  readonly seed: number;
}

export type TokenizerKind = "character" | "byte";

/** What may be changed by hand when a run starts; file and checksum come from the text. */
export type TunableSettings = Omit<TrainSettings, "files" | "textChecksum">;

/** nanoGPT's settings for a laptop, from which presets and options differ. */
export const defaultSettings: TunableSettings = {
  tokenizer: "character",
  layers: 4, heads: 4, width: 128, context: 64, dropout: 0, bias: false,
  steps: 2000, batch: 12, accumulate: 1,
  lr: 1e-3, minLr: 1e-4, warmup: 100, beta1: 0.9, beta2: 0.99, weightDecay: 0.1, clip: 1,
  validation: 0.1, seed: 1337,
};

/**
 * Named settings for `--preset`.
 *
 * @see karpathy/nanoGPT: config/train_shakespeare_char.py (nanogpt-baby) and the README's CPU command line (nanogpt-cpu).
 */
export const trainPresets: Readonly<Record<string, Partial<TunableSettings>>> = {
  "nanogpt-cpu": {},
  "nanogpt-baby": { layers: 6, heads: 6, width: 384, context: 256, dropout: 0.2, steps: 5000, batch: 64 },
  gpt2: { tokenizer: "byte", layers: 12, heads: 12, width: 768, context: 1024, dropout: 0.1, bias: true, lr: 6e-4, minLr: 6e-5, beta2: 0.95 },
};

/** Options that were given, over those of a preset, over the defaults. Checks what only the combination decides. */
export function chooseSettings(given: Partial<TunableSettings>, preset: Partial<TunableSettings> = {}): TunableSettings {
  const settings = { ...defaultSettings, ...preset, ...given };
  if (given.lr !== undefined && given.minLr === undefined) return checkSettings({ ...settings, minLr: given.lr / 10 });
  return checkSettings(settings);
}

function checkSettings(settings: TunableSettings): TunableSettings {
  const { width, heads, minLr, lr, warmup, steps } = settings;
  if (width % heads !== 0) throw wrongUse(`train: --width is ${width}, expected a multiple of --heads ${heads}, so that every head has the same width. Try --width ${Math.ceil(width / heads) * heads}`);
  if (minLr > lr) throw wrongUse(`train: --min-lr is ${minLr}, expected at most --lr ${lr}`);
  return { ...settings, warmup: Math.min(warmup, steps) };
}

const optionName = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * The settings of a saved run, unless options given now say otherwise.
 *
 * @throws CliError naming each option that differs, with both values
 */
export function continueSettings(saved: TrainSettings, given: Partial<TunableSettings>): TrainSettings {
  const different = (Object.keys(given) as (keyof TunableSettings)[]).filter((key) => given[key] !== undefined && given[key] !== saved[key]);
  if (different.length === 0) return saved;
  const list = different.map((key) => `${optionName(key)} ${given[key]} (the run has ${saved[key]})`).join(", ");
  throw wrongUse(`train: --resume continues a run with the settings it was started with, expected the same or none, got ${list}. Leave these options out, or start another run with another --out`);
}

/** Throws unless the text is the one that the run was started on. */
export function checkSameText(saved: TrainSettings, checksum: string): void {
  if (saved.textChecksum === checksum) return;
  throw badInput(`train: the text of ${saved.files.join(", ")} has changed since the run started, expected checksum ${saved.textChecksum}, got ${checksum}. Restore it, or start another run with another --out`);
}
