import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { at } from "../src/workspace.ts";

const folder = mkdtempSync(join(tmpdir(), "heed-npm-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As in the user's own shell: without what the npm that runs these tests has set. */
const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  PATH: process.env.PATH?.split(":")
    .filter((path) => !path.includes("node_modules"))
    .join(":"),
};

/** `npm run --silent heed -- ARGS`, typed in `folder`. */
function heed(...args: readonly string[]) {
  const npm = spawn("npm", ["--prefix", at(), "run", "--silent", "heed", "--", ...args], {
    cwd: folder,
    env: environment,
  });
  let output = "";
  npm.stdout.on("data", (chunk) => {
    output += chunk;
  });
  npm.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const ended = once(npm, "close").then(([code]) => ({ code: code as number | null, output }));
  const says = async (text: string) => {
    while (!output.includes(text) && npm.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  return { npm, ended, says };
}

test("paths are those of the folder where the user typed, and exit codes come through npm", async () => {
  const { code, output } = await heed("train", "no-such-file.txt").ended;
  expect(output).toContain("no-such-file.txt");
  expect(code).toBe(3);
});

test("an interrupt of npm reaches the training run, which saves before npm returns with its code", async () => {
  writeFileSync(join(folder, "text.txt"), "what goes up must come down, what comes down may go up. ".repeat(200));
  const size = ["--layers", "1", "--heads", "1", "--width", "8", "--context", "8", "--steps", "300000"];
  const { npm, ended, says } = heed("train", "text.txt", ...size, "--out", "run");
  await says("saving to");
  npm.kill("SIGINT");
  const { code, output } = await ended;
  expect(output).toContain("Continue with:");
  expect(code).toBe(130);
});
