import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Node and what it runs: HEED_E2E_NODE and the built command line, or the file of HEED_E2E_ENTRY such as src/main.ts. */
function program(): { node: string; args: string[] } {
  const entry = join(packageFolder, process.env["HEED_E2E_ENTRY"] ?? "dist/main.js");
  if (!existsSync(entry)) throw new Error(`${entry} is not there: build first (npm run build)`);
  const conditions = entry.endsWith(".ts") ? ["--conditions=@heed/source"] : [];
  return { node: process.env["HEED_E2E_NODE"] ?? process.execPath, args: [...conditions, entry] };
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output or error has the text, or the process has ended. */
  seen(text: string | RegExp): Promise<void>;
}

function watch(child: ChildProcess): Running {
  let [stdout, stderr] = ["", ""];
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    tell();
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }) as Ended);
  const seen = (text: string | RegExp): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!(stdout + stderr).match(text)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      void ended.then(() => resolve());
      check();
    });
  return { child, ended, seen };
}

/** Starts the command line in a folder. */
export function start(cwd: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const { node, args: before } = program();
  // npm's variables are those of the test run, not of a user.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  return watch(spawn(node, [...before, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"], ...options }));
}

/** Runs it to its end. */
export const heed = (cwd: string, ...args: string[]): Promise<Ended> => start(cwd, args).ended;

/** Runs it to its end under a shell that first says `before`, such as a limit. */
export function heedAfter(before: string, cwd: string, ...args: string[]): Promise<Ended> {
  const { node, args: own } = program();
  const words = ["-c", `${before}; exec "$@"`, "sh", node, ...own, ...args];
  return watch(spawn("sh", words, { cwd, stdio: ["ignore", "pipe", "pipe"] })).ended;
}
