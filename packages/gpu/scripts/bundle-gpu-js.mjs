// Writes dist/gpu-js.bundle.js: gpu.js as one ES module. As a dependency, gpu.js would install 90 MB of native modules that are never
// imported (webgpu 0.2.9, gl), and could not be loaded by a page without a bundler.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const entry = fileURLToPath(import.meta.resolve("gpu.js/dist/gpu-browser.js"));
const license = readFileSync(fileURLToPath(import.meta.resolve("gpu.js/LICENSE")), "utf8");

await build({
  entryPoints: [entry],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  legalComments: "none",
  banner: { js: `/*! gpu.js 2.24.1\n${license.trim()}\n*/` },
  outfile: fileURLToPath(new URL("../dist/gpu-js.bundle.js", import.meta.url)),
  logLevel: "error",
});
