import { spawn } from "node:child_process";

export interface Finished {
  /** Exit code; 128 + n after signal n, as in a shell. */
  readonly code: number;
  /** Standard output and standard error in the order they came. */
  readonly output: string;
  readonly stdout: string;
  readonly seconds: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Also shows the output while it comes. */
  readonly show?: boolean;
  /** Ends the command after so many seconds; default 1,200. */
  readonly limit?: number;
}

/** Runs a command without input and collects what it prints. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        CI: "true",
        // Commands get CI so that they print plainly; tests still have to know whether everything must run.
        HEED_CI: process.env.HEED_CI ?? process.env.CI ?? "",
        NO_COLOR: "1",
        FORCE_COLOR: undefined,
        TURBO_TELEMETRY_DISABLED: "1",
        ...options.env,
      },
      timeout: (options.limit ?? 1200) * 1000,
      killSignal: "SIGKILL",
    });
    let [output, stdout] = ["", ""];
    const collect = (isStdout: boolean) => (chunk: string) => {
      output += chunk;
      if (isStdout) stdout += chunk;
      if (options.show) process.stdout.write(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", collect(true));
    child.stderr.setEncoding("utf8").on("data", collect(false));
    const finish = (code: number, more = "") =>
      resolve({ code, output: output + more, stdout, seconds: (performance.now() - started) / 1000 });
    child.on("error", (error) => finish(127, `${error.message}\n`));
    child.on("close", (code, signal) => finish(code ?? 137, signal ? `ended by ${signal}\n` : ""));
  });
}

/** Runs tasks, two at a time, and gives their results in order. */
export async function inPairs<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await run(items[at]!);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}
