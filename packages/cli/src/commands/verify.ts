import { join, resolve } from "node:path";
import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { configFromHuggingFace, type LoadOptions } from "@heed/models";
import { referenceBackend, useBackend } from "@heed/tensor";
import { Command, Option } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { exitCodes, isRefusal } from "../errors.ts";
import { expectModelFolder, openModel } from "../open-model.ts";
import { type Comparison, compareCase } from "../verify/compare.ts";
import { type Golden, type GoldenCase, readGolden, readWeights } from "../verify/golden.ts";
import { elmoRefuses, isElmoCase, runElmo } from "../verify/models/elmo.ts";
import { type Computed, runnerOf } from "../verify/runners.ts";
import { unitRunnerOf } from "../verify/units/index.ts";

/** What became of one case. */
type CaseResult =
  | { readonly name: string; readonly status: "passed" | "failed"; readonly comparisons: readonly Comparison[] }
  | { readonly name: string; readonly status: "unsupported"; readonly reason: string };

/** `verify`: computes what was recorded and compares. */
export function verifyCommand(context: Context): Command {
  return new Command("verify")
    .description("Run the recorded cases of a model folder and compare with the recorded results.")
    .argument("<folder>", "Hugging Face folder with golden.json and golden.safetensors")
    .addOption(
      new Option("--backend <name>", "what to compute with").choices(["default", "reference"]).default("default"),
    )
    .action((folder: string, { backend }: { backend: string }) => run(context, resolve(context.cwd, folder), backend));
}

async function run(context: Context, folder: string, backend: string): Promise<void> {
  if (backend === "reference") useBackend(referenceBackend());
  else chooseBackend();
  const { output } = context;
  const results: CaseResult[] = [];
  const recorded = await readGolden(folder);
  for (const golden of recorded.cases) {
    const result = await runCase(folder, recorded, golden);
    results.push(result);
    print(context, result);
  }
  const count = (status: CaseResult["status"]): number => results.filter((result) => result.status === status).length;
  const [passed, failed, unsupported] = [count("passed"), count("failed"), count("unsupported")];
  output.event({ event: "verified", folder, cases: results.length, passed, failed, unsupported });
  output.line(
    `${passed} of ${results.length} cases passed${failed ? `, ${failed} failed` : ""}${unsupported ? `, ${unsupported} unsupported` : ""}`,
  );
  if (passed < results.length) context.exitCode = exitCodes.checkFailed;
}

/** Why the model itself cannot be run yet, if so. */
async function unsupportedModel(folder: string, options: LoadOptions): Promise<string | undefined> {
  await expectModelFolder("verify", folder);
  const json = await readJsonFile(nodeFileStore(), join(folder, "config.json"));
  try {
    configFromHuggingFace(json, options);
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error.message;
    throw error;
  }
}

/** What a case computes, or why it cannot be run. Each case starts from the stored weights: a training run changes them. */
async function computeCase(folder: string, recorded: Golden, golden: GoldenCase): Promise<Computed | string> {
  const unit = unitRunnerOf(recorded.name);
  if (unit) return unit.refuses(golden) ?? (await unit.run(golden, await readWeights(recorded, golden)));
  if (isElmoCase(golden)) return elmoRefuses(golden) ?? (await runElmo(folder, recorded.weightFiles, golden));
  const runner = runnerOf(golden);
  if (typeof runner === "string") return runner;
  const options = { architecture: String(golden.call["class"]) };
  return (
    (await unsupportedModel(folder, options)) ?? (await runner.run(await openModel("verify", folder, options), golden))
  );
}

async function runCase(folder: string, recorded: Golden, golden: GoldenCase): Promise<CaseResult> {
  const { name } = golden;
  const computed = await computeCase(folder, recorded, golden);
  if (typeof computed === "string") return { name, status: "unsupported", reason: computed };
  const comparisons = compareCase(computed, golden);
  const passed = comparisons.length > 0 && comparisons.every((comparison) => comparison.passed);
  return { name, status: passed ? "passed" : "failed", comparisons };
}

const scientific = (value: number): string => (Number.isFinite(value) ? value.toExponential(2) : "none");

function print({ output }: Context, result: CaseResult): void {
  const { name: caseName, status } = result;
  output.line(`${caseName}: ${status}`);
  if (result.status === "unsupported") {
    output.event({ event: "case", ...result });
    output.line(`  ${result.reason}`);
    return;
  }
  for (const { name, error, tolerance, passed, problem } of result.comparisons) {
    output.event({ event: "output", case: caseName, name, error, tolerance, passed, ...(problem && { problem }) });
    const figures = `error ${scientific(error).padEnd(8)}  tolerance ${scientific(tolerance)}`;
    output.line(`  ${passed ? "ok  " : "FAIL"} ${name.padEnd(48)} ${figures}${problem ? `  ${problem}` : ""}`);
  }
  output.event({ event: "case", name: caseName, status });
}
