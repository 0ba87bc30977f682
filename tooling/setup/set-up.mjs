// Gets a clone ready to run, with nothing but Node >= 20.19 and npm: installs the locked dependencies with the pinned pnpm
// and compiles the WebAssembly kernels. Each step runs only when its inputs changed; one line per step on standard error.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The pinned Node itself; `node_modules/.bin/node` is a shell script, which would stand between it and signals. */
export const pinnedNode = join(root, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");

/** Only benchmarks need the libraries that heed is compared with: 350 MB that `npm start` does not install. */
const withoutPeers = ["--filter", "!@heed/bench"];

class SetUpError extends Error {}

function manifests() {
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"];
  for (const parent of ["packages", "apps", "tooling"]) {
    if (!existsSync(join(root, parent))) continue;
    for (const name of readdirSync(join(root, parent)).sort()) files.push(`${parent}/${name}/package.json`);
  }
  return files.filter((file) => existsSync(join(root, file)));
}

function hashOf(files) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Runs a command without input; its output is shown only if it fails. */
function step(title, command, args, shell = false) {
  process.stderr.write(`heed: ${title}\n`);
  const started = Date.now();
  const done = spawnSync(command, args, {
    cwd: root,
    shell,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, CI: "true", npm_config_update_notifier: "false" },
  });
  if (done.error || done.status !== 0) {
    const reason = done.error?.message ?? `exit code ${done.status ?? done.signal}`;
    throw new SetUpError(`set-up: ${title} failed (${reason})\n${done.stdout ?? ""}${done.stderr ?? ""}`);
  }
  return Date.now() - started;
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetUpError(`set-up: Node is ${process.versions.node}, expected 20.19 or later. Install a current Node`);
}

function install(everything) {
  const stamp = join(root, "node_modules/.heed-set-up");
  const wanted = hashOf(manifests());
  const [have, extent] = existsSync(stamp) ? readFileSync(stamp, "utf8").split(" ") : [];
  const enough = extent === "everything" || !everything;
  if (have === wanted && enough && existsSync(pinnedNode)) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const scope = everything ? [] : withoutPeers;
  const title = `installing dependencies with ${packageManager}`;
  step(title, "npx", ["--yes", packageManager, "install", "--frozen-lockfile", ...scope], process.platform === "win32");
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, `${wanted} ${everything ? "everything" : "running"}`);
}

/** The script compares hashes itself and takes a few milliseconds when nothing changed. */
function buildKernels() {
  const script = "packages/tensor/scripts/build-wasm.mjs";
  const made = join(root, "packages/tensor/src/backends/wasm/binary.generated.ts");
  const stamp = join(root, "node_modules/.heed-kernels");
  const sources = readdirSync(join(root, "packages/tensor/wasm")).filter((name) => name.endsWith(".ts"));
  const wanted = hashOf([script, "pnpm-lock.yaml", ...sources.sort().map((name) => `packages/tensor/wasm/${name}`)]);
  if (existsSync(made) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  step("compiling the WebAssembly kernels", pinnedNode, [script]);
  writeFileSync(stamp, wanted);
}

/**
 * Makes the clone ready. Prints the reason and ends the process with code 1 if it cannot.
 *
 * @param {{ everything?: boolean }} options everything: also what only tests of the benchmarks need
 */
export function setUp({ everything = false } = {}) {
  try {
    checkNode();
    install(everything);
    buildKernels();
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
