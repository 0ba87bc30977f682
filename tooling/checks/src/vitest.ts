import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { command } from "./command.ts";
import { failed, type Outcome } from "./stage.ts";
import { outcomesOf, type VitestReport } from "./vitest-report.ts";
import { at, pinnedNode } from "./workspace.ts";

const program = at("node_modules/vitest/vitest.mjs");
export const vitestCommand = [program, "run", "--config", at("tooling/checks/vitest.config.ts")];

/** Runs vitest, shows what it prints and gives one outcome per test. */
export async function vitest(name: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome[]> {
  const folder = at("node_modules/.heed-reports");
  const report = `${folder}/${name}.json`;
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const args = [...vitestCommand, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await command(pinnedNode, args, { cwd: at(), show: true, env });
  try {
    const outcomes = outcomesOf(JSON.parse(readFileSync(report, "utf8")) as VitestReport, at());
    const blamed = outcomes.some((one) => one.status === "failed");
    return code === 0 || blamed ? outcomes : [...outcomes, failed(name, `vitest ended with code ${code}`)];
  } catch (error) {
    return [failed(name, `vitest ended with code ${code} and left no report (${String(error)})`)];
  }
}
