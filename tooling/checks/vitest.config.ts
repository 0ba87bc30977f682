import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Folders of `parent` that hold tests; each is one project, so that a failure names its package. */
function projects(parent: string) {
  return readdirSync(`${root}/${parent}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({
      extends: true as const,
      test: {
        name: entry.name,
        root: `${root}/${parent}/${entry.name}`,
        include: ["test/**/*.test.ts"],
        exclude: ["test/e2e/**"],
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
    testTimeout: 60_000,
    projects: [...projects("packages"), ...projects("tooling")],
  },
});
