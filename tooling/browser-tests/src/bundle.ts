import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ServedFile } from "./server.ts";

/** Scripts made of entry files, by name, and of which sources each consists. */
export interface Bundle {
  readonly files: ReadonlyMap<string, ServedFile>;
  /** paths of the sources in each script, relative to the working directory */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Bundles and minifies entry files as users' bundlers do: what they import dynamically stays a file of its own. */
export async function bundle(...entries: readonly URL[]): Promise<Bundle> {
  const result = await build({
    entryPoints: entries.map((entry) => fileURLToPath(entry)),
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: "out",
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@heed/source"],
    logLevel: "error",
  });
  const outputs = Object.entries(result.metafile.outputs);
  return {
    files: new Map(
      result.outputFiles.map(({ path, text }) => [`/${basename(path)}`, { type: "text/javascript", body: text }]),
    ),
    sources: new Map(outputs.map(([path, { inputs }]) => [`/${basename(path)}`, Object.keys(inputs)])),
  };
}

/** A file as it is. */
export const fileAt = (url: URL, type: string): ServedFile => ({ type, body: readFileSync(url) });
