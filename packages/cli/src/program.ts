import { Command, CommanderError } from "commander";
import { backendsCommand } from "./commands/backends.ts";
import { benchCommand } from "./commands/bench.ts";
import { evalCommand } from "./commands/eval.ts";
import { generateCommand } from "./commands/generate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { trainCommand } from "./commands/train.ts";
import { verifyCommand } from "./commands/verify.ts";
import { exitCodeOf, exitCodes } from "./errors.ts";
import { type Output, type Streams, createOutput } from "./output.ts";

/** What every command gets. */
export interface Context {
  readonly output: Output;
  readonly streams: Streams;
  /** folder that relative paths start from */
  readonly cwd: string;
  /** what the process ends with unless an error says otherwise */
  exitCode: number;
}

const commands = [trainCommand, generateCommand, evalCommand, inspectCommand, verifyCommand, backendsCommand, benchCommand];

function createProgram(context: Context): Command {
  const program = new Command("heed")
    .description("Train, run and look inside transformers.")
    .option("--json", "one JSON object a line on standard output, nothing else")
    .helpCommand(true);
  for (const create of commands) {
    program.addCommand(create(context).option("--json", "one JSON object a line on standard output, nothing else"));
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError("(--help lists the options)").configureOutput({
      writeOut: (text) => context.streams.stdout.write(text),
      writeErr: (text) => context.streams.stderr.write(text),
    });
  }
  return program;
}

/** `Error [code]: text` without its stack: one sentence for the user. */
function sentenceOf(error: Error): string {
  return `heed: ${error.message}`;
}

/**
 * Runs a command line and returns its exit code: 0 done, 1 a check failed, 2 wrong use, 3 bad input file, 130 interrupted
 * after saving. Errors are one sentence on standard error.
 *
 * @param args what follows `heed`
 */
export async function main(args: readonly string[], streams: Streams, cwd: string): Promise<number> {
  const context: Context = { output: createOutput(args.includes("--json"), streams), streams, cwd, exitCode: exitCodes.done };
  try {
    await createProgram(context).parseAsync([...args], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse;
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    streams.stderr.write(`${sentenceOf(error as Error)}\n`);
    return code;
  }
}
