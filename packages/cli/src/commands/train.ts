import { Command, Option } from "commander";
import { resolve } from "node:path";
import { wrongUse } from "../errors.ts";
import { fraction, nonNegativeNumber, positiveNumber, wholeNumber } from "../numbers.ts";
import type { Context } from "../program.ts";
import { runTrainCommand } from "../train/command.ts";
import { type TunableSettings, defaultSettings, trainPresets } from "../train/settings.ts";

const most = 2 ** 31 - 1;

/** Options that are settings of the run: name, text, parser. Defaults are shown, and applied only when a run starts. */
const settingOptions: readonly [flags: string, text: string, parse: (text: string) => number, key: keyof TunableSettings][] = [
  ["--layers <n>", "blocks", wholeNumber(1, 1000), "layers"],
  ["--heads <n>", "attention heads", wholeNumber(1, 1000), "heads"],
  ["--width <n>", "model width", wholeNumber(1, 65536), "width"],
  ["--context <n>", "tokens the model sees at once", wholeNumber(1, 65536), "context"],
  ["--dropout <p>", "dropout probability", fraction, "dropout"],
  ["--steps <n>", "updates", wholeNumber(1, most), "steps"],
  ["--batch <n>", "sequences in a batch", wholeNumber(1, 65536), "batch"],
  ["--accumulate <n>", "batches in an update", wholeNumber(1, 65536), "accumulate"],
  ["--lr <rate>", "peak learning rate", positiveNumber(1000), "lr"],
  ["--min-lr <rate>", "last learning rate (default: a tenth of the peak)", nonNegativeNumber(1000), "minLr"],
  ["--warmup <n>", "updates until the peak", wholeNumber(0, most), "warmup"],
  ["--beta1 <b>", "AdamW's decay of the mean gradient", fraction, "beta1"],
  ["--beta2 <b>", "AdamW's decay of the mean squared gradient", fraction, "beta2"],
  ["--weight-decay <rate>", "of matrices", nonNegativeNumber(1000), "weightDecay"],
  ["--clip <norm>", "largest gradient norm, 0 for none", nonNegativeNumber(1e9), "clip"],
  ["--validation <p>", "share of the text to validate on", positiveNumber(0.9), "validation"],
  ["--seed <n>", "of weights, batches and dropout", wholeNumber(0, Number.MAX_SAFE_INTEGER), "seed"],
];

/** What the command line says beside the settings. */
export interface TrainFlags {
  readonly out: string;
  readonly resume: boolean;
  readonly preset?: string;
  readonly evalEvery: number;
  readonly evalBatches: number;
  readonly saveEvery: number;
  readonly sample: number;
  readonly threads?: number;
}

export function trainCommand(context: Context): Command {
  const command = new Command("train")
    .description("Train a GPT on text files and save it as a Hugging Face folder.")
    .argument("[files...]", "UTF-8 text files")
    .option("--preset <name>", `settings to start from: ${Object.keys(trainPresets).join(", ")}`)
    .option("--out <folder>", "where to save", "runs/latest")
    .option("--resume", "continue the run in --out", false)
    .addOption(new Option("--tokenizer <kind>", `what a token is (default: ${defaultSettings.tokenizer})`).choices(["character", "byte"]))
    .addOption(new Option("--bias", "biases in linear layers and norms (default: none)"))
    .option("--eval-every <n>", "updates between validations", wholeNumber(1, most), 250)
    .option("--eval-batches <n>", "validation batches in between; the last time all", wholeNumber(1, most), 20)
    .option("--save-every <n>", "updates between snapshots", wholeNumber(1, most), 250)
    .option("--sample <n>", "tokens of the sample at the end, 0 for none", wholeNumber(0, 100_000), 300)
    .option("--threads <n>", "threads to compute with", wholeNumber(1, 64));
  for (const [flags, text, parse, key] of settingOptions) {
    const shown = key === "minLr" ? text : `${text} (default: ${defaultSettings[key]})`;
    command.option(flags, shown, parse);
  }
  return command.action(async (files: string[], all: TrainFlags & Partial<TunableSettings>) => {
    const keys = [...settingOptions.map(([, , , key]) => key), "tokenizer", "bias"] as const;
    const given = Object.fromEntries(keys.filter((key) => all[key] !== undefined).map((key) => [key, all[key]]));
    await runTrainCommand(context, { files: files.map((file) => resolve(context.cwd, file)), given, flags: { ...all, out: resolve(context.cwd, all.out) }, preset: presetOf(all.preset) });
  });
}

function presetOf(name: string | undefined): Partial<TunableSettings> | undefined {
  if (name === undefined) return undefined;
  const preset = trainPresets[name];
  if (!preset) throw wrongUse(`train: --preset is unknown, expected one of ${Object.keys(trainPresets).join(", ")}, got ${name}${nearest(name)}`);
  return preset;
}

/** The preset whose name shares the most leading characters, for a typing mistake. */
function nearest(name: string): string {
  const shared = (other: string): number => [...other].filter((letter, i) => letter === name[i]).length;
  const [best] = Object.keys(trainPresets).sort((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) >= 2 ? `. Did you mean ${best}?` : "";
}
