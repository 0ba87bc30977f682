import { existsSync } from "node:fs";
import { command } from "../command.ts";
import { failed, passed, type Stage } from "../stage.ts";
import { at, published, readManifest } from "../workspace.ts";

/** Compiles every package, in the order of their dependencies; what did not change comes from turbo's cache. */
export const build: Stage = {
  name: "build",
  title: "tsc writes the dist folder of every package",
  async run() {
    const { packageManager = "pnpm" } = readManifest(".");
    // turbo calls pnpm by name: npx puts it on the path.
    const { code, output } = await command("npx", ["--yes", packageManager, "exec", "turbo", "run", "build"], {
      cwd: at(),
    });
    if (code !== 0) return [failed("build", output)];
    return published().map(({ folder }) =>
      existsSync(at(folder, "dist/index.js"))
        ? passed(`build ${folder}`)
        : failed(`build ${folder}`, "dist/index.js is not there"),
    );
  },
};
