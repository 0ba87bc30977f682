/** Bundles entries of the benchmark with every library they measure, for a page or for a Node process that plays one. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { packageVersion } from "../sides/package-version.ts";

/** A file of the bundle. */
export interface BundledFile {
  /** Name below the folder of the bundle, such as `realm.js`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Puts `x.browser.ts` in the place of `x.ts` where there is one. */
const browserFiles: Plugin = {
  name: "browser-files",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const other = resolve(resolveDir, path.replace(/\.ts$/, ".browser.ts"));
      return existsSync(other) ? { path: other } : undefined;
    }),
};

/** Packages whose versions reports show. */
const VERSIONED = ["@jax-js/jax", "@tensorflow/tfjs-core", "onnxruntime-web", "gpu.js"];

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
    plugins: [browserFiles],
    define: {
      BUNDLED_VERSIONS: JSON.stringify(Object.fromEntries(VERSIONED.map((name) => [name, packageVersion(name)]))),
    },
    logLevel: "error",
  });
  return outputFiles.map(({ path, contents }) => ({ name: path.slice(1), bytes: contents }));
}
