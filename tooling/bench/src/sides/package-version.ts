import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Version of an installed package, as its package.json says. */
export function packageVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined)
    throw new RangeError(
      `packageVersion: name is not installed, expected a development dependency of tooling/bench, got "${name}". Run pnpm install.`,
    );
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  return version;
}
