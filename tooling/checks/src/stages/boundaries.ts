import { command } from "../command.ts";
import { failed, passed, type Stage } from "../stage.ts";
import { at, pinnedNode } from "../workspace.ts";

/** AssemblyScript, which turbo takes for TypeScript it cannot parse. It imports nothing outside its folder. */
const notTypeScript = "packages/tensor/wasm/";

/** The complaints in the output of `turbo boundaries`, each a paragraph that begins with a cross. */
export function complaints(output: string): string[] {
  return output
    .split(/^\s*(?=[x×] )/m)
    .filter((paragraph) => /^[x×] /.test(paragraph))
    .filter((paragraph) => !(paragraph.includes("failed to parse file") && paragraph.includes(notTypeScript)));
}

/** Each package imports only from lower layers: the tags in turbo.json. */
export const boundaries: Stage = {
  name: "boundaries",
  title: "turbo boundaries: imports go to lower layers only",
  async run() {
    const { code, output } = await command(pinnedNode, [at("node_modules/turbo/bin/turbo"), "boundaries"], {
      cwd: at(),
    });
    const found = complaints(output);
    if (!/Checked \d+ files in \d+ packages/.test(output))
      return [failed("boundaries", `turbo did not finish (code ${code})\n${output}`)];
    return [found.length === 0 ? passed("boundaries") : failed("boundaries", found.join(""))];
  },
};
