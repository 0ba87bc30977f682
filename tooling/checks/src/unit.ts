import { spawnSync } from "node:child_process";
import { vitestCommand } from "./vitest.ts";
import { at, pinnedNode } from "./workspace.ts";

// npm run unit -- packages/tensor: unit tests with the settings of the repository and vitest's own arguments.
const done = spawnSync(pinnedNode, [...vitestCommand, ...process.argv.slice(2)], { cwd: at(), stdio: "inherit" });
process.exit(done.status ?? 1);
