import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { at, pinnedNode } from "../src/workspace.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "heed-run-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a program through the wrapper that `npm start` and `npm run heed` use. */
function start(code: string, ...args: readonly string[]): ChildProcess {
  const script = join(folder, `program-${args.join("-") || "plain"}.mts`);
  writeFileSync(script, code);
  return spawn(pinnedNode, [at("tooling/setup/run.mjs"), relative(at(), script), ...args], {
    cwd: folder,
    env: { ...process.env, npm_lifecycle_event: "", INIT_CWD: "" },
  });
}

async function ending(child: ChildProcess): Promise<{ code: number | null; stdout: string }> {
  let stdout = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout };
}

test("arguments, input, folder, conditions and exit code go through", async () => {
  const child = start(
    `const input: string = (await process.stdin.toArray()).join("");
     process.stdout.write(JSON.stringify([process.argv.slice(2), input, process.cwd(), process.execArgv, typeof process.env.HEED_MACHINE_NODE]));
     process.exitCode = 3;`,
    "--a",
    "b c",
  );
  child.stdin?.end("typed");
  const { code, stdout } = await ending(child);
  expect(JSON.parse(stdout)).toEqual([["--a", "b c"], "typed", folder, ["--conditions=@heed/source"], "string"]);
  expect(code).toBe(3);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s is handed on, and the wrapper waits for the program to finish", async (signal, expected) => {
  const child = start(
    `process.on("${signal}", () => setTimeout(() => { process.stdout.write("saved"); process.exit(${expected}); }, 300));
     setInterval(() => {}, 1000);
     process.stdout.write("ready ");`,
    signal,
  );
  await once(child.stdout!, "data");
  child.kill(signal);
  const { code, stdout } = await ending(child);
  expect(stdout).toBe("saved");
  expect(code).toBe(expected);
});

test("a program that dies of a signal gives the code that a shell gives", async () => {
  const child = start(`process.kill(process.pid, "SIGKILL");`);
  expect((await ending(child)).code).toBe(137);
});
