/** One side of a case, in a process of its own, so that no library's worker pool or garbage disturbs another's timing. */
import { type ChildProcess, fork } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Library, Reply, Request, Task } from "./task.ts";

/** What to open. */
export interface SideSpec {
  readonly label: string;
  readonly library: Library;
  readonly task: Task;
  readonly threads: number;
  /** Runs of the task in each round. */
  readonly iterations: number;
  /** Takes part in this many rounds at most; for sides so slow that more would only cost time. */
  readonly maxRounds?: number;
  /** Root of another revision's tree, whose sources it runs instead of these. */
  readonly root?: string;
}

/** Times of one turn. */
export interface Turn {
  readonly milliseconds: readonly number[];
  /** CPU time of each run, all threads together. */
  readonly cpuOfRuns: readonly number[];
  /** CPU seconds per second that the side used since its last turn: near 0 unless its threads spin. */
  readonly idleShare: number;
  /** Cores that everybody else kept busy during the turn. */
  readonly othersCores: number;
  readonly peakMegabytes: number;
}

/** A side that is open and waits. */
export interface Side {
  readonly spec: SideSpec;
  readonly about: Readonly<Record<string, string>>;
  run(iterations: number): Promise<Turn>;
  witness(): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Time that all cores were busy, whoever kept them so, and the clock; milliseconds. */
function machineClocks(): { busy: number; wall: number } {
  const busy = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return { busy, wall: performance.now() };
}

function request(child: ChildProcess, label: string, message: Request): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      child.off("message", received);
      child.off("exit", exited);
      act();
    };
    const received = (reply: Reply): void => settle(() => resolve(reply));
    const exited = (code: number | null, signal: string | null): void =>
      settle(() =>
        reject(new Error(`${label}: the process ended (code ${code}, signal ${signal}) during "${message.type}"`)),
      );
    child.on("message", received);
    child.on("exit", exited);
    child.send(message);
  });
}

function unexpected(label: string, reply: Reply): never {
  throw new Error(`${label}: the process sent an answer out of turn, got "${reply.type}"`);
}

/** Opens a side somewhere. */
export type OpenSideFn = (spec: SideSpec) => Promise<Side>;

/** A side behind anything that answers requests: opens its task, and closes it if that fails. */
export async function sideOver(
  spec: SideSpec,
  ask: (request: Request) => Promise<Reply>,
  close: () => Promise<void>,
): Promise<Side> {
  const { label, library, task, threads } = spec;
  const answered = async (request: Request): Promise<Reply> => {
    const reply = await ask(request);
    if (reply.type === "failed") throw new Error(`${label}: ${reply.message}`);
    return reply;
  };
  try {
    const reply = await answered({ type: "open", library, task, threads });
    const about = reply.type === "opened" ? reply.about : unexpected(label, reply);
    return {
      spec,
      about,
      close,
      run: async (iterations) => {
        const before = machineClocks();
        const ran = await answered({ type: "run", iterations });
        if (ran.type !== "ran") return unexpected(label, ran);
        const after = machineClocks();
        const others = after.busy - before.busy - ran.cpuMilliseconds;
        return { ...ran, othersCores: Math.max(0, others / Math.max(after.wall - before.wall, 1)) };
      },
      witness: async () => {
        const seen = await answered({ type: "witness" });
        return seen.type === "witnessed" ? seen.values : unexpected(label, seen);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The file that a side's process runs, in this tree or in another revision's. */
const childOf = (root: string | undefined): string =>
  root === undefined ? fileURLToPath(new URL("./child.ts", import.meta.url)) : join(root, "tooling/bench/src/child.ts");

/** Starts a process and opens the task in it. */
export function openSide(spec: SideSpec): Promise<Side> {
  const child = fork(childOf(spec.root), {
    execArgv: ["--conditions=@heed/source", "--no-warnings"],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  return sideOver(spec, (message) => request(child, spec.label, message), close);
}
