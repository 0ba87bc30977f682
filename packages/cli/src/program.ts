import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { backendsCommand } from "./commands/backends.ts";
import { benchCommand } from "./commands/bench.ts";
import { evalCommand } from "./commands/eval.ts";
import { generateCommand } from "./commands/generate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { trainCommand } from "./commands/train.ts";
import { verifyCommand } from "./commands/verify.ts";
import type { Context } from "./context.ts";
import { exitCodeOf, exitCodes } from "./errors.ts";
import { createOutput, type Streams } from "./output.ts";
import type { StartDefaults } from "./train/start-defaults.ts";

/** Where and how a command line is run. */
export interface MainOptions {
  /** folder that relative paths start from, absolute */
  readonly cwd: string;
  /** how the user calls this program; default `npx heed` */
  readonly program?: string;
  /** what `train` does where the user says nothing, for `npm start`; default: as its help says */
  readonly start?: StartDefaults;
}

const jsonOption = ["--json", "one JSON object a line on standard output, nothing else"] as const;

function versionOf(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}

function createProgram(context: Context, start: StartDefaults | undefined): Command {
  const { output, streams } = context;
  const program = new Command("heed")
    .description("Train, run and look inside transformers.")
    .version(versionOf())
    .option(...jsonOption)
    .helpCommand(true);
  const commands = [
    trainCommand(context, start),
    generateCommand(context),
    evalCommand(context),
    inspectCommand(context),
    verifyCommand(context),
    backendsCommand(context),
    benchCommand(context),
  ];
  for (const command of commands) program.addCommand(command.option(...jsonOption));
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => (output.json ? output.event({ event: "help", text }) : streams.stdout.write(text)),
      writeErr: (text) => streams.stderr.write(text),
      // `main` writes it, in one sentence.
      outputError: () => {},
    });
  }
  return program;
}

const wantsJson = (args: readonly string[]): boolean =>
  args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");

/** What commander says, as a sentence in the form of all others. */
function sentenceOf(error: Error, args: readonly string[]): string {
  if (!(error instanceof CommanderError)) return error.message;
  const text = error.message.replace(/^error: /, "").replace(/\n\((.*)\)$/, ". $1");
  const command = args.find((word) => !word.startsWith("-"));
  const help = error.code === "commander.unknownCommand" || command === undefined ? "--help" : `${command} --help`;
  return `${text}${/[.?!]$/.test(text) ? "" : "."} See ${help}`;
}

function exitCodeOfAny(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return exitCodeOf(error);
  return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse;
}

/**
 * Runs a command line and returns its exit code: 0 done, 1 a check failed, 2 wrong use, 3 bad input file, 130 interrupted
 * after saving. Errors are one sentence on standard error, in JSON mode also an object on standard output.
 *
 * @param args what follows `heed`
 * @throws whatever is not the user's to mend, with its stack
 */
export async function main(args: readonly string[], streams: Streams, options: MainOptions): Promise<number> {
  const { cwd, program = "npx heed", start } = options;
  const output = createOutput(wantsJson(args), streams);
  const context: Context = { output, streams, cwd, program, exitCode: exitCodes.done };
  try {
    await createProgram(context, start).parseAsync([...args], { from: "user" });
    return context.exitCode;
  } catch (error) {
    const exitCode = exitCodeOfAny(error);
    if (exitCode === undefined) throw error;
    const isHelp = error instanceof CommanderError && /^commander\.(help|version)/.test(error.code);
    if (exitCode !== exitCodes.done && !isHelp) {
      const message = sentenceOf(error as Error, args);
      streams.stderr.write(`heed: ${message}\n`);
      output.event({ event: "error", exitCode, message });
    }
    return exitCode;
  }
}
