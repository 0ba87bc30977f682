import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Built, filesBelow, type Program } from "./bundlers.ts";

type Target = string | { readonly default: string };

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, Target>>;
  readonly imports?: Readonly<Record<string, Target>>;
}

const packagesFolder = fileURLToPath(new URL("../../../packages", import.meta.url));
const fixturesFolder = fileURLToPath(new URL("fixtures", import.meta.url));

const pathOf = (target: Target): string => (typeof target === "string" ? target : target.default).replace(/^\.\//, "");

/** An import map, as a page would have it: each package's name for its built entry, and names private to a package. */
export function importMap(): { readonly imports: object; readonly scopes: object } {
  const imports: Record<string, string> = {};
  const scopes: Record<string, Record<string, string>> = {};
  for (const folder of readdirSync(packagesFolder)) {
    const manifest = JSON.parse(readFileSync(join(packagesFolder, folder, "package.json"), "utf8")) as Manifest;
    const base = `/packages/${folder}/`;
    imports[manifest.name] = base + pathOf(manifest.exports["."]!);
    for (const [name, target] of Object.entries(manifest.imports ?? {})) {
      scopes[base] = { ...scopes[base], [name]: base + pathOf(target) };
    }
  }
  return { imports, scopes };
}

/** The files of a site that has no bundler: built packages as they are, found by an import map. */
export function staticSite(program: Program): { readonly files: Built; readonly policySource: string } {
  const map = JSON.stringify(importMap());
  const files = new Map<string, { type: string; body: string | Uint8Array }>();
  for (const folder of readdirSync(packagesFolder)) {
    for (const [path, file] of filesBelow(join(packagesFolder, folder, "dist"))) {
      if (path.endsWith(".js")) files.set(`/packages/${folder}/dist${path}`, file);
    }
  }
  for (const [path, file] of filesBelow(fixturesFolder)) files.set(path, file);
  const body = `<!doctype html><script type="importmap">${map}</script><script type="module" src="/${program}-page.js"></script>`;
  files.set("/index.html", { type: "text/html", body });
  // A content security policy names a script in the page by its hash.
  return { files, policySource: `'sha256-${createHash("sha256").update(map).digest("base64")}'` };
}
