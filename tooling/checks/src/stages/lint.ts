import { command } from "../command.ts";
import { failed, type Outcome, passed, type Stage } from "../stage.ts";
import { at, pinnedNode } from "../workspace.ts";

async function biome(name: string, args: readonly string[]): Promise<Outcome> {
  const { code, output } = await command(pinnedNode, [at("node_modules/@biomejs/biome/bin/biome"), ...args], {
    cwd: at(),
  });
  // Warnings (long files and functions) are shown and do not fail.
  if (code === 0 && /Found \d+ warning/.test(output)) console.log(output);
  return code === 0 ? passed(name) : failed(name, output);
}

/** Lint rules, the order of imports and formatting of every file. */
export const lint: Stage = {
  name: "lint",
  title: "lint rules and formatting (npm run format repairs it)",
  run: async () => [
    await biome("lint", ["check", "--formatter-enabled=false", "--max-diagnostics=200"]),
    await biome("format", ["format", "--max-diagnostics=20"]),
  ],
};
