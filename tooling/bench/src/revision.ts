/** Another revision of the repository, ready to run beside this one. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A tree of another revision. */
export interface Revision {
  /** Its short commit id. */
  readonly id: string;
  readonly root: string;
  /** Removes it. */
  close(): void;
}

const here = fileURLToPath(new URL("../../..", import.meta.url));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status === 0) return stdout.trim();
  throw new RangeError(
    `openRevision: ${command} ${args.join(" ")} failed, expected code 0, got ${error?.message ?? status}. It said: ${stderr.trim().slice(-1000)}`,
  );
}

/** Checks a revision out into a folder of its own, installs what it locks and compiles its kernels, as a clean clone does. */
export function openRevision(name: string): Revision {
  const id = run("git", ["rev-parse", "--short", "--verify", `${name}^{commit}`], here);
  const folder = mkdtempSync(join(tmpdir(), "heed-against-"));
  const root = join(folder, "tree");
  const close = (): void => {
    spawnSync("git", ["worktree", "remove", "--force", root], { cwd: here });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    run("git", ["worktree", "add", "--detach", root, id], here);
    const setUp = join(root, "tooling/setup/set-up.mjs");
    if (!existsSync(join(root, "tooling/bench/src/child.ts")) || !existsSync(setUp))
      throw new RangeError(
        `openRevision: ${name} has no benchmark, expected tooling/bench/src/child.ts in it, got none. Choose a later revision.`,
      );
    process.stderr.write(`bench: preparing ${id} in ${root}\n`);
    const script = `import(${JSON.stringify(setUp)}).then(({ setUp }) => setUp({ everything: true }))`;
    run(process.execPath, ["--eval", script], root);
    return { id, root, close };
  } catch (error) {
    close();
    throw error;
  }
}
