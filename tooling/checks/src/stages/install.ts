import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { command } from "../command.ts";
import { failed, type Outcome, outcome, passed, type Stage } from "../stage.ts";
import { at, published, readManifest } from "../workspace.ts";
import { nodes } from "./end-to-end.ts";

const limit = 5_000_000;
const native = /\.(node|so|dylib|dll|exe)$/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const bytesOf = (paths: readonly string[]): number => paths.reduce((sum, path) => sum + statSync(path).size, 0);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;

/** Packs every published package as it would be uploaded and installs the archives in an empty folder, as a user would. */
async function installArchives(folder: string): Promise<string | undefined> {
  const archives = join(folder, "archives");
  mkdirSync(archives);
  const { packageManager = "pnpm" } = readManifest(".");
  for (const one of published()) {
    const pack = ["--yes", packageManager, "--dir", at(one.folder), "pack", "--pack-destination", archives];
    const { code, output } = await command("npx", pack, { cwd: at() });
    if (code !== 0) return output;
  }
  const dependencies = Object.fromEntries(
    readdirSync(archives).map((file) => {
      const name = file.replace(/-\d+\.\d+\.\d+.*$/, "").replace(/^heed-/, "@heed/");
      return [name, `file:archives/${file}`];
    }),
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const { code, output } = await command("npm", install, { cwd: folder });
  return code === 0 ? undefined : output;
}

function sizeReport(modules: string): number {
  for (const { manifest } of published()) {
    console.log(`${kilobytes(bytesOf(filesBelow(join(modules, manifest.name))))}  ${manifest.name}`);
  }
  const total = bytesOf(filesBelow(modules));
  console.log(`${kilobytes(total)}  everything, with dependencies from outside`);
  return total;
}

function scriptsAtInstallation(modules: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  return Object.entries(packages)
    .filter(([, one]) => one.hasInstallScript)
    .map(([path]) => `${path} has an install script`);
}

async function runInstalled(folder: string): Promise<Outcome[]> {
  const outcomes = [];
  for (const { label, path } of await nodes()) {
    const program = join(folder, "node_modules/heed/dist/main.js");
    const { code, output } = await command(path, [program, "inspect", "nanogpt-cpu", "--json"], {
      cwd: folder,
      limit: 120,
    });
    const name = `the installed command counts the parameters of nanogpt-cpu on ${label}`;
    outcomes.push(code === 0 && output.includes("804096") ? passed(name) : failed(name, `code ${code}\n${output}`));
  }
  return outcomes;
}

/** What users get: packed, installed in an empty folder, measured, started. Needs the build. */
export const install: Stage = {
  name: "install",
  title: "packages packed and installed as a user does; their sizes",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "heed-install-"));
    try {
      const problem = await installArchives(folder);
      if (problem !== undefined) return [failed("packages are packed and installed", problem)];
      const modules = join(folder, "node_modules");
      const total = sizeReport(modules);
      const paths = filesBelow(modules).map((path) => relative(modules, path));
      return [
        passed("packages are packed and installed"),
        outcome("everything installed is below 5 MB", total < limit ? [] : [`${total} bytes`]),
        outcome(
          "nothing installed is native",
          paths.filter((path) => native.test(path)),
        ),
        outcome("nothing runs at installation", scriptsAtInstallation(modules)),
        outcome(
          "only builds are published",
          paths.filter(
            (path) => /^(@heed|heed)\b/.test(path) && /(src|test|wasm)\//.test(path) && !/dist\//.test(path),
          ),
        ),
        ...(await runInstalled(folder)),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
