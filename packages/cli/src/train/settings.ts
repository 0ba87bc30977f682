import { badInput, wrongUse } from "../errors.ts";

/** What a token is. */
export type TokenizerKind = "character" | "byte";

/** What may be chosen by hand when a run starts. */
export interface TunableSettings {
  readonly tokenizer: TokenizerKind;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  /** tokens */
  readonly context: number;
  readonly activation: "gelu" | "gelu_new";
  readonly bias: boolean;
  /** standard deviation of the first weights */
  readonly initStd: number;
  /** probability in [0, 1) */
  readonly dropout: number;
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
  /** updates between evaluations */
  readonly evalEvery: number;
  /** validation batches looked at in between; the last evaluation takes them all */
  readonly evalBatches: number;
  /** updates between snapshots */
  readonly saveEvery: number;
}

/** Everything about a run that its snapshots carry. */
export interface TrainSettings extends TunableSettings {
  /** text files, as absolute paths */
  readonly files: readonly string[];
  /** CRC-32 of the text, in hexadecimal */
  readonly textChecksum: string;
}

/** Settings that follow from others where nobody gives them. */
type Derived = "initStd" | "minLr" | "warmup";

/**
 * GPT-2's 0.02 was chosen for a width of 768. Scaled to another width, linear maps of normal input give outputs of the
 * same size there; a narrow model that starts with 0.02 spends its first hundreds of updates growing.
 *
 * @see Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks, section 4.2.1.
 */
const initStdOf = (width: number): number => 0.02 * Math.sqrt(768 / width);

/** nanoGPT's settings for a laptop, from which presets and options differ. */
export const defaultSettings: Omit<TunableSettings, Derived> = {
  tokenizer: "character",
  ...{ layers: 4, heads: 4, width: 128, context: 64, activation: "gelu", bias: false, dropout: 0 },
  ...{ steps: 2000, batch: 12, accumulate: 1 },
  ...{ lr: 1e-3, beta1: 0.9, beta2: 0.99, weightDecay: 0.1, clip: 1 },
  ...{ validation: 0.1, seed: 1337 },
  ...{ evalEvery: 250, evalBatches: 20, saveEvery: 250 },
};

/**
 * Named settings for `--preset`. Large batches come in parts (`accumulate`) that fit in WebAssembly's memory.
 *
 * @see karpathy/nanoGPT: config/train_shakespeare_char.py (nanogpt-baby), the README's CPU command line (nanogpt-cpu);
 *   config/train_gpt2.py (gpt2), which has 50,257 tokens and batches of 480 where this one has bytes and batches of 12.
 */
export const trainPresets: Readonly<Record<string, Partial<TunableSettings>>> = {
  "nanogpt-cpu": { warmup: 100 },
  "nanogpt-baby": {
    ...{ layers: 6, heads: 6, width: 384, context: 256, dropout: 0.2 },
    ...{ steps: 5000, batch: 8, accumulate: 8, warmup: 100 },
  },
  gpt2: {
    ...{ tokenizer: "byte", layers: 12, heads: 12, width: 768, context: 1024, activation: "gelu_new", bias: true },
    ...{ batch: 1, accumulate: 12, lr: 6e-4, beta2: 0.95 },
  },
};

/** Settings that change what is looked at and saved, not what is computed: a run may go on with others. */
const changeable: ReadonlySet<string> = new Set<keyof TunableSettings>(["evalEvery", "evalBatches", "saveEvery"]);

/**
 * Options that were given, over those of a preset, over the defaults: the last learning rate is a tenth of the peak, the
 * warm-up a twentieth of the steps, at most 100, and first weights are scaled to the width.
 *
 * @throws CliError for what only the combination decides
 */
export function chooseSettings(
  given: Partial<TunableSettings>,
  preset: Partial<TunableSettings> = {},
): TunableSettings {
  const { lr, steps, width } = { ...defaultSettings, ...preset, ...given };
  const derived = { initStd: initStdOf(width), minLr: lr / 10, warmup: Math.min(100, Math.floor(steps / 20)) };
  const settings: TunableSettings = { ...defaultSettings, ...derived, ...preset, ...given };
  // A preset's warm-up is for its own number of steps.
  if (given.warmup === undefined && settings.warmup > steps) return check({ ...settings, warmup: derived.warmup });
  return check(settings);
}

function check(settings: TunableSettings): TunableSettings {
  const { width, heads, minLr, lr, warmup, steps } = settings;
  if (width % heads !== 0) {
    throw wrongUse(
      `train: --width is not divisible by the heads, expected a multiple of ${heads} (--heads), got ${width}. Try --width ${Math.ceil(width / heads) * heads}`,
    );
  }
  if (minLr > lr) {
    throw wrongUse(`train: --min-lr is too large, expected at most ${lr} (--lr), got ${minLr}. Give a smaller one`);
  }
  if (warmup > steps) {
    throw wrongUse(`train: --warmup is too long, expected at most ${steps} (--steps), got ${warmup}. Shorten it`);
  }
  return settings;
}

/** The option that sets a setting. */
export const optionOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * The settings of a saved run, with the pace given now.
 *
 * @param preset if one is given now, all of its settings are compared, else only those of `given`
 * @throws CliError naming each option that differs, with both values
 */
export function continueSettings(
  saved: TrainSettings,
  given: Partial<TunableSettings>,
  preset?: Partial<TunableSettings>,
): TrainSettings {
  const wanted: Partial<TunableSettings> = preset ? chooseSettings(given, preset) : given;
  const keys = (Object.keys(wanted) as (keyof TunableSettings)[]).filter((key) => !changeable.has(key));
  const different = keys.filter((key) => wanted[key] !== saved[key]);
  const { evalEvery = saved.evalEvery, evalBatches = saved.evalBatches, saveEvery = saved.saveEvery } = given;
  if (different.length === 0) return { ...saved, evalEvery, evalBatches, saveEvery };
  const list = different.map((key) => `${optionOf(key)} ${wanted[key]} (the run has ${saved[key]})`).join(", ");
  throw wrongUse(
    `train: --resume continues a run with the settings it was started with, expected the same or none, got ${list}. Leave these options out, or start another run with another --out`,
  );
}

/** Where the settings of two snapshots of a run differ, as text; empty if they belong to one run. */
export function settingsDifference(found: TrainSettings, expected: TrainSettings): string {
  const keys = (Object.keys(expected) as (keyof TrainSettings)[]).filter(
    (key) => !changeable.has(key) && JSON.stringify(found[key]) !== JSON.stringify(expected[key]),
  );
  return keys
    .map((key) => `${key} ${JSON.stringify(found[key])}, expected ${JSON.stringify(expected[key])}`)
    .join("; ");
}

/** @throws CliError unless a saved object has every setting, of the right type */
export function readSettings(saved: Readonly<Record<string, unknown>>, path: string): TrainSettings {
  const example: TrainSettings = { ...defaultSettings, initStd: 0, minLr: 0, warmup: 0, files: [], textChecksum: "" };
  for (const [key, value] of Object.entries(example)) {
    if (typeof saved[key] !== typeof value || Array.isArray(saved[key]) !== Array.isArray(value)) {
      throw badInput(
        `train: ${path} has the setting ${key} ${JSON.stringify(saved[key])}, expected a ${Array.isArray(value) ? "list" : typeof value}. It was not written by this version: start another run`,
      );
    }
  }
  return saved as unknown as TrainSettings;
}

/** @throws CliError unless the text is the one that the run was started on */
export function checkSameText(saved: TrainSettings, checksum: string): void {
  if (saved.textChecksum === checksum) return;
  throw badInput(
    `train: the text of ${saved.files.join(", ")} has changed since the run started, expected checksum ${saved.textChecksum}, got ${checksum}. Restore it, or start another run with another --out`,
  );
}
