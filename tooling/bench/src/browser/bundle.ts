/** Bundles entries of the benchmark with every library they measure, for a page or for a Node process that plays one. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A file of the bundle. */
export interface BundledFile {
  /** Name below the folder of the bundle, such as `realm.js`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Bundles entries, named by their files; what they import dynamically stays a file of its own. */
export async function bundle(entries: readonly URL[]): Promise<readonly BundledFile[]> {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => fileURLToPath(entry)),
    bundle: true,
    splitting: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@heed/source"],
    // The libraries' own build for browsers; gpu.js's other modes are never entered.
    mainFields: ["browser", "module", "main"],
    external: ["gl", "webgpu"],
    outdir: "/",
    entryNames: "[name]",
    logLevel: "error",
  });
  return outputFiles.map(({ path, contents }) => ({ name: path.slice(1), bytes: contents }));
}
