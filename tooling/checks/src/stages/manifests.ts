import { existsSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { type Outcome, outcome, type Stage } from "../stage.ts";
import { at, type Manifest, type Package, published } from "../workspace.ts";

/** Scripts that a package manager runs by itself when a user installs the package. */
const installScripts = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"];

/** What every manifest here says alike; each line of the answer is something that is not so. */
export function manifestProblems(manifest: Manifest): string[] {
  const problems: string[] = [];
  const expect = (fine: boolean, what: string) => {
    if (!fine) problems.push(what);
  };
  expect(manifest.type === "module", 'type is not "module"');
  expect(manifest.license === "MIT", 'license is not "MIT"');
  expect(manifest.sideEffects === false, "sideEffects is not false");
  expect(manifest.engines?.node === ">=20.19", 'engines.node is not ">=20.19"');
  expect((manifest.description ?? "").length > 10, "there is no description");
  expect(JSON.stringify(manifest.files) === '["dist"]', 'files is not ["dist"]');
  for (const script of installScripts)
    expect(!manifest.scripts?.[script], `script ${script} would run at installation`);
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    if (path === "./package.json") continue;
    const conditions = typeof target === "string" ? [] : Object.keys(target);
    expect(
      conditions.join() === "@heed/source,types,default",
      `exports ${path} has the conditions ${conditions.join()}, expected @heed/source,types,default`,
    );
  }
  expect(manifest.exports?.["."] !== undefined, 'exports has no "."');
  expect(manifest.exports?.["./package.json"] !== undefined, 'exports has no "./package.json"');
  return problems;
}

async function check({ folder, manifest }: Package): Promise<Outcome[]> {
  const problems = manifestProblems(manifest);
  if (!existsSync(at(folder, "README.md"))) problems.push("there is no README.md");
  const { messages } = await publint({ pkgDir: join(at(folder)), pack: false, strict: true });
  return [
    outcome(`manifest of ${manifest.name}`, problems),
    outcome(
      `publint on ${manifest.name}`,
      messages.map((message) => formatMessage(message, manifest) ?? message.code),
    ),
  ];
}

/** The manifests of what is published: the repository's own rules and publint's. Needs the build. */
export const manifests: Stage = {
  name: "manifests",
  title: "manifests of the published packages, and publint",
  run: async () => (await Promise.all(published().map(check))).flat(),
};
