import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** End-to-end tests start programs with this Node; they are a run of their own, once per Node. */
const endToEnd = process.env.HEED_E2E_NODE !== undefined;

/** Folders of `parent` that hold tests; each is one project, so that a failure names its package. */
function projects(parent: string) {
  return readdirSync(`${root}/${parent}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({
      extends: true as const,
      test: {
        name: entry.name,
        root: `${root}/${parent}/${entry.name}`,
        include: endToEnd ? ["test/e2e/**/*.test.ts"] : ["test/**/*.test.ts"],
        exclude: endToEnd ? [] : ["test/e2e/**"],
      },
    }));
}

/** Sources import each other through this condition, so that nothing is built first. */
const conditions = ["@heed/source"];

export default defineConfig({
  root,
  cacheDir: `${root}/node_modules/.vite`,
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    execArgv: ["--conditions=@heed/source"],
    testTimeout: endToEnd ? 600_000 : 60_000,
    passWithNoTests: false,
    projects: [...projects("packages"), ...projects("tooling")],
  },
});
