// node tooling/setup/run.mjs [--everything] SCRIPT ARGS...: sets the clone up, then runs a TypeScript or JavaScript file on the
// pinned Node, in the folder where the user typed the command, with the same input and output, signals and exit code.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { pinnedNode, root, setUp } from "./set-up.mjs";

const words = process.argv.slice(2);
const everything = words[0] === "--everything";
if (everything) words.shift();
const [script, ...rest] = words;
if (!script) {
  process.stderr.write("run: a script is missing, expected tooling/setup/run.mjs [--everything] SCRIPT [ARGS]\n");
  process.exit(2);
}

setUp({ everything });

// npm runs scripts in the root and says in INIT_CWD where the user was.
const here = process.env.npm_lifecycle_event ? (process.env.INIT_CWD ?? process.cwd()) : process.cwd();
const child = spawn(pinnedNode, ["--conditions=@heed/source", join(root, script), ...rest], {
  cwd: here,
  stdio: "inherit",
  // Tests run what is published on the user's own Node too.
  env: { ...process.env, HEED_MACHINE_NODE: process.env.npm_node_execpath ?? process.execPath },
});

// A Ctrl-C reaches parent and child alike: the child decides what to do, this process only waits. What is sent to this process
// alone is handed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}

child.on("error", (error) => {
  process.stderr.write(`run: the pinned Node does not start: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
