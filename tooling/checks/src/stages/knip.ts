import { command } from "../command.ts";
import { failed, passed, type Stage } from "../stage.ts";
import { at, pinnedNode } from "../workspace.ts";

/** Files, exports and dependencies that nothing uses. */
export const knip: Stage = {
  name: "knip",
  title: "unused files, exports and dependencies",
  async run() {
    const { code, output } = await command(
      pinnedNode,
      [at("node_modules/knip/bin/knip.js"), "--no-progress", "--no-config-hints"],
      {
        cwd: at(),
      },
    );
    return [code === 0 ? passed("knip") : failed("knip", output)];
  },
};
