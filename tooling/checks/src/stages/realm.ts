import { command, type Finished, inPairs } from "../command.ts";
import { failed, type Outcome, passed, type Stage } from "../stage.ts";
import { at, pinnedNode, published } from "../workspace.ts";

/** Entries for Node: they may name its modules, and must still do nothing when they are imported. */
const forNode = (name: string, path: string): boolean => name === "heed" || path === "./node";

/** Imports a module, and all it imports, where nothing of the host exists; code 0 if it leaves no trace. */
export function evaluateInBareRealm(specifier: string): Promise<Finished> {
  const flags = ["--no-warnings", "--experimental-vm-modules", "--experimental-import-meta-resolve"];
  const args = [...flags, at("tooling/checks/bare-realm.mjs"), specifier];
  return command(pinnedNode, args, { cwd: at("tooling/checks"), limit: 60 });
}

async function inBareRealm(specifier: string): Promise<Outcome> {
  const name = `${specifier} is imported in a bare realm`;
  const { code, output } = await evaluateInBareRealm(specifier);
  return code === 0 ? passed(name) : failed(name, output);
}

async function inSilentProcess(specifier: string): Promise<Outcome> {
  const name = `importing ${specifier} does nothing`;
  const script = `
    const guarded = ["navigator", "window", "document", "fetch", "Worker"];
    for (const name of guarded) Object.defineProperty(globalThis, name, { get() { throw new Error("touched " + name); } });
    const before = Reflect.ownKeys(globalThis).length;
    await import(${JSON.stringify(specifier)});
    if (Reflect.ownKeys(globalThis).length !== before) throw new Error("globals changed");
    const held = process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY|File/.test(kind));
    if (held.length > 0) throw new Error("holds " + held.join());`;
  const { code, output } = await command(pinnedNode, ["--input-type=module", "-e", script], {
    cwd: at("tooling/checks"),
    limit: 60,
  });
  return code === 0 && output === "" ? passed(name) : failed(name, `code ${code}\n${output}`);
}

/** Importing a package touches nothing and leaves no trace. Needs the build. */
export const realm: Stage = {
  name: "realm",
  title: "importing any built package has no side effect",
  async run() {
    const entries = published().flatMap(({ manifest }) =>
      Object.keys(manifest.exports ?? {})
        .filter((path) => path !== "./package.json")
        .map((path) => ({ specifier: manifest.name + path.slice(1), host: forNode(manifest.name, path) })),
    );
    return inPairs(entries, ({ specifier, host }) => (host ? inSilentProcess(specifier) : inBareRealm(specifier)));
  },
};
