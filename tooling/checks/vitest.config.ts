import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** End-to-end tests start programs with this Node; they are a run of their own, once per Node. */
const endToEnd = process.env.HEED_E2E_NODE !== undefined;

// WebGPU in Node needs a Vulkan driver. Debian's Chromium brings one made of software; workers inherit where it is.
const chromium = "/usr/lib/chromium";
const driver = `${chromium}/vk_swiftshader_icd.json`;
if (!process.env.VK_ICD_FILENAMES && existsSync(driver)) {
  process.env.VK_ICD_FILENAMES = driver;
  process.env.LD_LIBRARY_PATH = [chromium, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
}

/** Projects that take minutes; they are stages of their own. */
const slow = ["browser-tests", "matrix"];
const part = process.env.HEED_TEST_PART;

/** Whether a project belongs to the part that is asked for: `quick`, one that is slow, or all. */
const isWanted = (name: string): boolean =>
  part === undefined || (part === "quick" ? !slow.includes(name) : name === part);

/** Folders of `parent` that hold tests; each is one project, so that a failure names its package. */
function projects(parent: string) {
  return readdirSync(`${root}/${parent}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isWanted(entry.name))
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
