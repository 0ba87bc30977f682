import { readFileSync } from "node:fs";
import { command } from "../command.ts";
import { outcome, type Stage } from "../stage.ts";
import { at, workspaces } from "../workspace.ts";

/** All that stands at the top, besides dot files. */
const top = [
  "LICENSE",
  "README.md",
  "apps",
  "package.json",
  "packages",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "tooling",
  "turbo.json",
];

function privateVersions(): string[] {
  return workspaces().flatMap(({ folder, manifest }) =>
    Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter(([name, range]) => (name.startsWith("@heed/") || name === "heed") !== range.startsWith("workspace:"))
      .map(([name, range]) => `${folder} depends on ${name} ${range}`),
  );
}

function unpinned(): string[] {
  return workspaces().flatMap(({ folder, manifest }) =>
    Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter(([, range]) => !range.startsWith("workspace:") && !/^\d+\.\d+\.\d+$/.test(range))
      .map(([name, range]) => `${folder} asks for ${name} ${range}, expected one exact version`),
  );
}

/** The shape of the repository itself. */
export const layout: Stage = {
  name: "layout",
  title: "the top level, the lockfile, dependencies by exact version",
  async run() {
    const { stdout } = await command("git", ["ls-files"], { cwd: at() });
    const tracked = stdout.trim().split("\n");
    const grown = new Set(
      tracked.map((path) => path.split("/")[0]!).filter((name) => !name.startsWith(".") && !top.includes(name)),
    );
    const generated = tracked.filter((path) => /\.generated\.|(^|\/)(dist|node_modules)\//.test(path));
    const lockfile = readFileSync(at("pnpm-lock.yaml"), "utf8").split("\n");
    return [
      outcome("nothing grows at the top level", [...grown]),
      outcome("nothing generated is committed", generated),
      outcome(
        "the lockfile names no address",
        lockfile.filter((line) => line.includes("://")),
      ),
      outcome("packages here depend on each other by workspace", privateVersions()),
      outcome("dependencies from outside have one exact version", unpinned()),
    ];
  },
};
