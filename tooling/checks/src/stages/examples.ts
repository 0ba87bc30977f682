import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, inPairs } from "../command.ts";
import { docstringExamples, type Example, markdownExamples, readText, withImports } from "../examples.ts";
import { failed, type Outcome, passed, type Stage } from "../stage.ts";
import { at, files, pinnedNode, published, readManifest } from "../workspace.ts";

/** Inside a package that depends on all others, so that their names resolve; of this run alone, because two may run at once. */
const folder = at(`tooling/checks/.heed/examples-${process.pid}`);

async function namesOf(specifier: string): Promise<[string, string][]> {
  return Object.keys((await import(specifier)) as object).map((name) => [name, specifier]);
}

/**
 * Where each name that an example of `folder` may use without importing it comes from: later lists win. What an example takes
 * for granted (some tokens, a folder of weights) is exported by `test/example-values.ts` of its package.
 */
async function namesFor(folder: string, common: readonly [string, string][]): Promise<Map<string, string>> {
  const { name, exports = {} } = readManifest(folder);
  const own = Object.entries(exports)
    .filter(([, target]) => typeof target !== "string" && existsSync(at(folder, target["@heed/source"] ?? "")))
    .map(([path]) => path);
  const names = await Promise.all(own.map((path) => namesOf(name + path.slice(1))));
  const values = `${folder}/test/example-values.ts`;
  const given = existsSync(at(values)) ? await namesOf(at(values)) : [];
  return new Map([...common, ...names.flat(), ...given]);
}

/** Values are imported even where an example names none of them: they may prepare the folder that it runs in. */
function prepared(folder: string): string {
  const values = at(folder, "test/example-values.ts");
  return existsSync(values) ? `import ${JSON.stringify(values)};\n` : "";
}

async function sourceExamples(): Promise<Example[]> {
  const packages = published().filter(({ manifest }) => manifest.name !== "heed");
  // Lower layers last: a name that two packages export is the one of the lower.
  const common = (await Promise.all(packages.map(({ manifest }) => namesOf(manifest.name)))).reverse().flat();
  const found = [];
  for (const { folder } of packages) {
    const names = await namesFor(folder, common);
    const examples = files(`${folder}/src/**/*.ts`).flatMap((path) => docstringExamples(path, readText(path)));
    found.push(
      ...examples.map((example) => ({ ...example, code: prepared(folder) + withImports(example.code, names) })),
    );
  }
  return found;
}

/** Works in an empty folder: modules of example values write files where they are imported. */
async function inScratch<T>(work: () => Promise<T>): Promise<T> {
  const [before, scratch] = [process.cwd(), mkdtempSync(join(tmpdir(), "heed-example-"))];
  process.chdir(scratch);
  try {
    return await work();
  } finally {
    process.chdir(before);
    rmSync(scratch, { recursive: true, force: true });
  }
}

const fileOf = (number: number): string => `example-${number}.ts`;

/** Writes the examples and gives what the compiler says about each. Types of values that nothing reads are no mistake here. */
async function writeAndCompile(all: readonly Example[]): Promise<string[]> {
  all.forEach(({ code }, i) => {
    writeFileSync(join(folder, fileOf(i)), `${code}\nexport {};\n`);
  });
  const settings = {
    extends: "../../../tsconfig/node.json",
    compilerOptions: {
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    include: ["."],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const { output } = await command(pinnedNode, [at("node_modules/typescript/bin/tsc"), "-p", folder], { cwd: folder });
  const lines = output.split("\n");
  return all.map((_, i) => lines.filter((line) => line.startsWith(`${fileOf(i)}(`)).join("\n"));
}

async function execute(example: Example, number: number, mistypes: string): Promise<Outcome> {
  const scratch = mkdtempSync(join(tmpdir(), "heed-example-"));
  const args = ["--conditions=@heed/source", join(folder, fileOf(number))];
  const { code, output } = await command(pinnedNode, args, { cwd: scratch, limit: 120 });
  rmSync(scratch, { recursive: true, force: true });
  const name = `example ${example.origin}`;
  return code === 0 && mistypes === "" ? passed(name) : failed(name, `${example.code}\n${mistypes}\n${output}`);
}

/** Every example that a reader may copy runs: the ts blocks of README files and of the docs' pages, and the @example of docstrings. */
export const examples: Stage = {
  name: "examples",
  title: "examples of README files, docs pages and docstrings, on the sources",
  async run() {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const pages = files("README.md", ".github/*.md", "packages/*/README.md", "apps/docs/pages/**/*.md");
    const fromReadme = pages.flatMap((path) => markdownExamples(path, readText(path)));
    const fromSource = await inScratch(sourceExamples);
    const all = [...fromReadme, ...fromSource];
    const mistypes = await writeAndCompile(all);
    const numbered = all.map((example, number) => ({ example, number }));
    const outcomes = await inPairs(numbered, ({ example, number }) => execute(example, number, mistypes[number]!));
    rmSync(folder, { recursive: true, force: true });
    return outcomes;
  },
};
