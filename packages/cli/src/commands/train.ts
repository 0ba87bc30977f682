import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.ts";
import { wrongUse } from "../errors.ts";
import { fraction, nonNegativeNumber, positiveNumber, wholeNumber } from "../numbers.ts";
import { type RecipeRequest, recipes, runRecipe } from "../recipes/command.ts";
import { suggest } from "../suggest.ts";
import { runTrainCommand } from "../train/command.ts";
import { defaultSettings, type TunableSettings, trainPresets } from "../train/settings.ts";
import type { StartDefaults } from "../train/start-defaults.ts";

const most = 2 ** 31 - 1;

type NumberKey = {
  [Key in keyof TunableSettings]: TunableSettings[Key] extends number ? Key : never;
}[keyof TunableSettings];

/** Options that are settings of the run. Their defaults are shown, and applied only when a run starts. */
const numberOptions: readonly (readonly [NumberKey, flags: string, text: string, parse: (text: string) => number])[] = [
  ["layers", "--layers <n>", "blocks", wholeNumber(1, 1000)],
  ["heads", "--heads <n>", "attention heads", wholeNumber(1, 1000)],
  ["width", "--width <n>", "model width", wholeNumber(1, 65536)],
  ["context", "--context <n>", "tokens the model sees at once", wholeNumber(1, 65536)],
  ["initStd", "--init-std <s>", "standard deviation of the first weights", positiveNumber(10)],
  ["dropout", "--dropout <p>", "dropout probability", fraction],
  ["steps", "--steps <n>", "updates", wholeNumber(1, most)],
  ["batch", "--batch <n>", "sequences in a batch", wholeNumber(1, 65536)],
  ["accumulate", "--accumulate <n>", "batches in an update", wholeNumber(1, 65536)],
  ["lr", "--lr <rate>", "peak learning rate", positiveNumber(1000)],
  ["minLr", "--min-lr <rate>", "last learning rate", nonNegativeNumber(1000)],
  ["warmup", "--warmup <n>", "updates until the peak", wholeNumber(0, most)],
  ["beta1", "--beta1 <b>", "AdamW's decay of the mean gradient", fraction],
  ["beta2", "--beta2 <b>", "AdamW's decay of the mean squared gradient", fraction],
  ["weightDecay", "--weight-decay <rate>", "of matrices", nonNegativeNumber(1000)],
  ["clip", "--clip <norm>", "largest gradient norm, 0 for any", nonNegativeNumber(1e9)],
  ["validation", "--validation <p>", "share of the text to validate on", positiveNumber(0.9)],
  ["seed", "--seed <n>", "of weights, batches and dropout", wholeNumber(0, Number.MAX_SAFE_INTEGER)],
  ["evalEvery", "--eval-every <n>", "updates between validations", wholeNumber(1, most)],
  ["evalBatches", "--eval-batches <n>", "validation batches in between; at the end all", wholeNumber(1, most)],
  ["saveEvery", "--save-every <n>", "updates between snapshots", wholeNumber(1, most)],
];

const derivedDefaults = {
  initStd: "0.02 at width 768, scaled by 1 / sqrt(--width)",
  minLr: "a tenth of --lr",
  warmup: "a twentieth of --steps, at most 100",
} as const;

const settingKeys: readonly (keyof TunableSettings)[] = [
  ...numberOptions.map(([key]) => key),
  "tokenizer",
  "activation",
  "bias",
];

/** What commander makes of the options. */
interface TrainFlags extends Partial<TunableSettings> {
  readonly out?: string;
  readonly resume: boolean;
  readonly preset?: string;
  readonly recipe?: string;
  readonly data?: string;
  readonly smoke: boolean;
  readonly sample: number;
  readonly threads?: number;
}

const presetNames = Object.keys(trainPresets);

function presetName(name: string): string {
  if (Object.hasOwn(trainPresets, name)) return name;
  throw new InvalidArgumentError(`Expected one of ${presetNames.join(", ")}.${suggest(name, presetNames)}`);
}

const recipeNames = Object.keys(recipes);

function recipeName(name: string): string {
  if (Object.hasOwn(recipes, name)) return name;
  throw new InvalidArgumentError(`Expected one of ${recipeNames.join(", ")}.${suggest(name, recipeNames)}`);
}

/** An option that follows is not the name of a folder. */
function folderName(name: string): string {
  if (name === "" || name.startsWith("--")) throw new InvalidArgumentError("Expected the name of a folder.");
  return name;
}

function addOptions(command: Command, defaults: Partial<TunableSettings>, out: string): Command {
  const usual: Partial<TunableSettings> = { ...defaultSettings, ...defaults };
  command
    .option("--preset <name>", `settings to start from: ${presetNames.join(", ")}`, presetName)
    .option(
      "--recipe <name>",
      `a whole task instead of a text: ${Object.entries(recipes)
        .map(([name, { summary }]) => `${name} (${summary})`)
        .join("; ")}`,
      recipeName,
    )
    .option("--data <folder>", "where the files of --recipe are", folderName)
    .option("--smoke", "with --recipe: seconds instead of minutes, on a small part of the data", false)
    .option("--out <folder>", `where to save (default: ${out})`, folderName)
    .option("--resume", "continue the run in --out", false)
    .addOption(
      new Option("--tokenizer <kind>", `what a token is (default: ${usual.tokenizer})`).choices(["character", "byte"]),
    )
    .addOption(
      new Option("--activation <name>", `of the feed-forward layers (default: ${usual.activation})`).choices([
        "gelu",
        "gelu_new",
      ]),
    )
    .option("--bias", "biases in linear layers and norms (default: none)");
  for (const [key, flags, text, parse] of numberOptions) {
    const value = usual[key] ?? derivedDefaults[key as keyof typeof derivedDefaults];
    command.option(flags, `${text} (default: ${value})`, parse);
  }
  return command
    .option("--sample <n>", "tokens of the sample at the end, 0 for none", wholeNumber(0, 100_000), 300)
    .option("--threads <n>", "threads to compute with (default: as many as the machine has)", wholeNumber(1, 64));
}

/** Where the run is or will be. */
async function outFolder({ cwd }: Context, { out, resume }: TrainFlags, start: StartDefaults | undefined) {
  if (out !== undefined) return resolve(cwd, out);
  if (!start) return resolve(cwd, "runs/latest");
  if (!resume) return start.newFolder();
  const last = await start.lastFolder();
  if (last === undefined) throw wrongUse("train: --resume found no run, expected one to continue. Leave --resume out");
  return last;
}

/** What a recipe runs with; its other settings are its own. */
function recipeRequest(
  { cwd }: Context,
  files: readonly string[],
  { recipe, data, smoke, out, resume, seed = 1, threads, preset }: TrainFlags,
  keys: readonly string[],
): RecipeRequest {
  const others = [...keys.filter((key) => key !== "seed"), ...(preset === undefined ? [] : ["preset"])];
  if (others.length > 0)
    throw wrongUse(
      `train: --recipe has settings of its own, expected none beside --data, --out, --seed, --smoke, --resume and --threads, got ${others.join(", ")}. Leave them out`,
    );
  if (files.length > 0)
    throw wrongUse(`train: --recipe reads the files of --data, expected no text file, got ${files[0]}. Leave it out`);
  if (data === undefined)
    throw wrongUse(
      `train: --recipe ${recipe} needs --data, expected a folder with ${recipes[recipe!]!.files.join(", ")}. For example --data ../shared/data`,
    );
  const folder = resolve(cwd, out ?? `runs/${recipe}`);
  return { name: recipe!, data: resolve(cwd, data), smoke, seed, out: folder, resume, threads };
}

/** `train`; `start` says what it does where the user says nothing. */
export function trainCommand(context: Context, start?: StartDefaults): Command {
  const command = new Command("train")
    .description("Train a GPT on text files and save it as a Hugging Face folder.")
    .argument("[files...]", "UTF-8 text files");
  addOptions(command, start?.settings ?? {}, start ? "the next runs/start-N" : "runs/latest");
  return command.action(async (named: string[], flags: TrainFlags) => {
    const keys = settingKeys.filter((key) => flags[key] !== undefined);
    if (flags.recipe !== undefined) return runRecipe(context, recipeRequest(context, named, flags, keys));
    for (const key of ["data", "smoke"] as const)
      if (flags[key]) throw wrongUse(`train: --${key} is given without --recipe, expected both. Leave it out`);
    const given: Partial<TunableSettings> = Object.fromEntries(keys.map((key) => [key, flags[key]]));
    const files = named.map((file) => resolve(context.cwd, file));
    const { resume, sample, threads } = flags;
    const chosen = flags.preset === undefined ? undefined : trainPresets[flags.preset];
    const preset = chosen ?? (resume ? undefined : start?.settings);
    const out = await outFolder(context, flags, start);
    const usesCorpus = start !== undefined && files.length === 0 && !resume;
    const texts = usesCorpus ? [await start.corpus()] : files;
    await runTrainCommand(context, { files: texts, given, preset, out, resume, sample, threads });
  });
}
