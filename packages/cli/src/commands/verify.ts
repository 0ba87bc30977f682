import { join, resolve } from "node:path";
import { readJsonFile } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { configFromHuggingFace } from "@heed/models";
import { referenceBackend, useBackend } from "@heed/tensor";
import { Command, Option } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { exitCodes, isRefusal } from "../errors.ts";
import { expectModelFolder, openModel } from "../open-model.ts";
import { type Comparison, compare } from "../verify/compare.ts";
import { type GoldenArray, type GoldenCase, readGolden } from "../verify/golden.ts";
import { runnerOf } from "../verify/runners.ts";

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
  for (const golden of await readGolden(folder)) {
    const result = await runCase(folder, golden);
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
async function unsupportedModel(folder: string): Promise<string | undefined> {
  await expectModelFolder("verify", folder);
  const json = await readJsonFile(nodeFileStore(), join(folder, "config.json"));
  try {
    configFromHuggingFace(json);
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error.message;
    throw error;
  }
}

/** Each case starts from the stored weights: a training run changes them. */
async function runCase(folder: string, golden: GoldenCase): Promise<CaseResult> {
  const { name } = golden;
  const runner = runnerOf(golden);
  if (typeof runner === "string") return { name, status: "unsupported", reason: runner };
  const reason = await unsupportedModel(folder);
  if (reason !== undefined) return { name, status: "unsupported", reason };
  const { outputs, grads, parametersAfter } = await runner.run(await openModel("verify", folder), golden);
  const compareAll = (
    prefix: string,
    got: ReadonlyMap<string, GoldenArray> = new Map(),
    expected: GoldenCase["outputs"],
  ): Comparison[] => [...expected].map(([key, want]) => compare(prefix + key, got.get(key), want));
  const comparisons = [
    ...compareAll("", outputs, golden.outputs),
    ...compareAll("grad ", grads, golden.grads),
    ...compareAll("after ", parametersAfter, golden.parametersAfter),
  ];
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
