import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/[\\/]$/, "");

/** A file of the repository, from its path there. */
export const at = (...parts: readonly string[]): string => join(root, ...parts);

/** The Node that the repository pins, which runs this. */
export const pinnedNode: string = process.execPath;

/** The Node that the user has: `npm test` was typed with it. */
export const machineNode: string = process.env.HEED_MACHINE_NODE ?? process.execPath;

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly license?: string;
  readonly description?: string;
  readonly sideEffects?: boolean;
  readonly engines?: { readonly node?: string };
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly packageManager?: string;
}

export interface Package {
  /** Path from the root, such as `packages/tensor`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(at(folder, "package.json"), "utf8")) as Manifest;
}

function packagesUnder(parent: string): Package[] {
  if (!existsSync(at(parent))) return [];
  return readdirSync(at(parent))
    .sort()
    .map((name) => `${parent}/${name}`)
    .filter((folder) => existsSync(at(folder, "package.json")))
    .map((folder) => ({ folder, manifest: readManifest(folder) }));
}

/** What users install. */
export const published = (): Package[] => packagesUnder("packages").filter((one) => !one.manifest.private);

/** Everything, also what only the repository uses. */
export const workspaces = (): Package[] => ["packages", "apps", "tooling"].flatMap(packagesUnder);

/** Files below the root that match, in order, without those of dependencies and builds. */
export function files(...patterns: readonly string[]): string[] {
  const ignored = (path: string) => /(^|[\\/])(node_modules|dist|\.heed|\.turbo)$/.test(path);
  return globSync([...patterns], { cwd: root, exclude: ignored })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}
