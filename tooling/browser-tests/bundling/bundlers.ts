import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import webpack, { type Configuration } from "webpack";
import type { ServedFile } from "../src/server.ts";

/** A program of `fixtures`, by the packages that it needs. */
export type Program = "models" | "models-and-gpu";

/** What a bundler made of a program: files by the path at which a server has them. */
export type Built = ReadonlyMap<string, ServedFile>;

/** A way to get a program into a browser. */
export interface Bundler {
  readonly name: string;
  /** whether what is imported dynamically gets a file of its own */
  readonly splits: boolean;
  /** writes into `folder`, which is empty */
  build(program: Program, folder: string): Promise<Built>;
}

/** Path of a program's entry file. */
export const entryOf = (program: Program, place: "page" | "server"): string =>
  fileURLToPath(new URL(`fixtures/${program}-${place}.js`, import.meta.url));

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

/** All files below a folder, as a server has them. */
export function filesBelow(folder: string): Built {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const type = types[extname(path)] ?? "text/plain";
      return [`/${relative(folder, path).replaceAll("\\", "/")}`, { type, body: readFileSync(path) }];
    }),
  );
}

const html = (script: string, type = ' type="module"'): string =>
  `<!doctype html><script${type} src="${script}"></script>`;

async function runWebpack(configuration: Configuration): Promise<void> {
  const compiler = webpack(configuration);
  if (!compiler) throw new Error("webpack made no compiler");
  await new Promise<void>((resolve, reject) => {
    compiler.run((error, stats) => {
      const problem = error?.message ?? (stats?.hasErrors() ? stats.toString({ all: false, errors: true }) : undefined);
      compiler.close(() => (problem === undefined ? resolve() : reject(new Error(problem))));
    });
  });
}

/** Bundles a program for a server: one run of Node, no window. */
export async function bundleForServer(program: Program, folder: string): Promise<string> {
  await runWebpack({
    mode: "production",
    target: "node20",
    entry: { server: entryOf(program, "server") },
    output: { path: folder, filename: "[name].mjs", chunkFormat: "module", module: true },
    experiments: { outputModule: true },
    performance: false,
  });
  return join(folder, "server.mjs");
}

function esbuildBundler(name: string, keepNames: boolean): Bundler {
  return {
    name,
    splits: true,
    async build(program, folder) {
      await esbuild({
        entryPoints: { page: entryOf(program, "page") },
        bundle: true,
        minify: true,
        keepNames,
        splitting: true,
        format: "esm",
        outdir: folder,
        logLevel: "error",
      });
      writeFileSync(join(folder, "index.html"), html("/page.js"));
      return filesBelow(folder);
    },
  };
}

/** What users build with, each as it comes: production settings, minified. */
export const bundlers: readonly Bundler[] = [
  {
    name: "Vite",
    splits: true,
    async build(program, folder) {
      const root = join(folder, "source");
      mkdirSync(root);
      writeFileSync(join(root, "index.html"), html("./main.js"));
      writeFileSync(join(root, "main.js"), `import ${JSON.stringify(entryOf(program, "page"))};\n`);
      const outDir = join(folder, "out");
      await vite({ root, configFile: false, logLevel: "error", build: { outDir, chunkSizeWarningLimit: 10_000 } });
      return filesBelow(outDir);
    },
  },
  {
    name: "webpack",
    splits: true,
    async build(program, folder) {
      await runWebpack({
        mode: "production",
        target: "web",
        entry: { page: entryOf(program, "page") },
        output: { path: folder, publicPath: "/" },
        performance: false,
      });
      writeFileSync(join(folder, "index.html"), html("/page.js", " defer"));
      return filesBelow(folder);
    },
  },
  esbuildBundler("esbuild", false),
  esbuildBundler("esbuild, names kept", true),
];
