import { dirname } from "node:path";
import { command, inPairs } from "../command.ts";
import { failed, type Outcome, passed, type Stage } from "../stage.ts";
import { at, files, pinnedNode } from "../workspace.ts";

/** Settings files that are only extended, or that write the build. */
const notPrograms = /^tooling\/tsconfig\/|tsconfig\.build\.json$/;

async function check(project: string): Promise<Outcome> {
  const { code, output } = await command(pinnedNode, [at("node_modules/typescript/bin/tsc"), "-p", project], {
    cwd: at(),
  });
  return code === 0 ? passed(project) : failed(project, `tsc found\n${output}`);
}

/** The types of every package and of its tests, each with its own settings. */
export const types: Stage = {
  name: "types",
  title: "tsc on the sources and tests of every package",
  async run() {
    const projects = files("packages/**/tsconfig.json", "apps/**/tsconfig.json", "tooling/**/tsconfig.json")
      .filter((path) => !notPrograms.test(path))
      .filter((path) => files(`${dirname(path)}/**/*.ts`).length > 0);
    return inPairs(projects, check);
  },
};
