import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, inPairs } from "../command.ts";
import { docstringExamples, type Example, markdownExamples, readText, withImports } from "../examples.ts";
import { failed, type Outcome, passed, type Stage } from "../stage.ts";
import { at, files, pinnedNode, published } from "../workspace.ts";

/** Inside a package that depends on all others, so that their names resolve. */
const folder = at("tooling/checks/.heed/examples");

/** The package of every exported name; the first one where several export it, lower layers first. */
async function exportedNames(): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const { manifest } of published()) {
    if (manifest.name === "heed") continue;
    for (const name of Object.keys((await import(manifest.name)) as object))
      if (!names.has(name)) names.set(name, manifest.name);
  }
  return names;
}

async function execute(example: Example, at: number): Promise<Outcome> {
  const file = join(folder, `example-${at}.ts`);
  writeFileSync(file, `${example.code}\nexport {};\n`);
  const scratch = mkdtempSync(join(tmpdir(), "heed-example-"));
  const { code, output } = await command(pinnedNode, ["--conditions=@heed/source", file], { cwd: scratch, limit: 120 });
  rmSync(scratch, { recursive: true, force: true });
  const name = `example ${example.origin}`;
  return code === 0 ? passed(name) : failed(name, `${example.code}\n${output}`);
}

/** Every example that a reader may copy runs: the ts blocks of README files and the @example of docstrings. */
export const examples: Stage = {
  name: "examples",
  title: "examples of README files and docstrings, on the sources",
  async run() {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const fromReadme = files("README.md", ".github/*.md", "packages/*/README.md").flatMap((path) =>
      markdownExamples(path, readText(path)),
    );
    const exported = await exportedNames();
    const fromSource = files("packages/*/src/**/*.ts")
      .flatMap((path) => docstringExamples(path, readText(path)))
      .map((example) => ({ ...example, code: withImports(example.code, exported) }));
    const all = [...fromReadme, ...fromSource].map((example, i) => ({ example, i }));
    const outcomes = await inPairs(all, ({ example, i }) => execute(example, i));
    rmSync(folder, { recursive: true, force: true });
    return outcomes;
  },
};
