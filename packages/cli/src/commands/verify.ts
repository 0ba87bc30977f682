import { Command, Option } from "commander";
import { resolve } from "node:path";
import { referenceBackend, useBackend } from "@heed/tensor";
import { exitCodes } from "../errors.ts";
import { openModel } from "../open-model.ts";
import type { Context } from "../program.ts";
import { type Comparison, compare } from "../verify/compare.ts";
import { type GoldenCase, readGolden } from "../verify/golden.ts";
import { runnerOf } from "../verify/runners.ts";

/** What became of one case. */
type CaseResult = { readonly name: string; readonly status: "passed" | "failed"; readonly comparisons: readonly Comparison[] } | { readonly name: string; readonly status: "unsupported"; readonly reason: string };

export function verifyCommand(context: Context): Command {
  return new Command("verify")
    .description("Run the recorded cases of a model folder and compare with the recorded results.")
    .argument("<folder>", "Hugging Face folder with golden.json and golden.safetensors")
    .addOption(new Option("--backend <name>", "what to compute with").choices(["default", "reference"]).default("default"))
    .action((folder: string, { backend }: { backend: string }) => run(context, resolve(context.cwd, folder), backend));
}

async function run(context: Context, folder: string, backend: string): Promise<void> {
  if (backend === "reference") useBackend(referenceBackend());
  const { output } = context;
  const cases = await readGolden(folder);
  const results: CaseResult[] = [];
  for (const golden of cases) {
    const result = await runCase(folder, golden);
    results.push(result);
    print(context, result);
  }
  const passed = results.filter(({ status }) => status === "passed").length;
  output.event({ event: "verified", folder, passed, cases: results.length });
  output.line(`${passed} of ${results.length} cases passed`);
  if (passed < results.length) context.exitCode = exitCodes.checkFailed;
}

/** Each case starts from the stored weights: a training run changes them. */
async function runCase(folder: string, golden: GoldenCase): Promise<CaseResult> {
  const runner = runnerOf(golden);
  if (typeof runner === "string") return { name: golden.name, status: "unsupported", reason: runner };
  const computed = await runner(await openModel("verify", folder), golden);
  const compareAll = (prefix: string, got: (typeof computed)["outputs"], expected: GoldenCase["outputs"]): Comparison[] =>
    [...expected].map(([name, want]) => compare(prefix + name, got.get(name), want));
  const comparisons = [
    ...compareAll("", computed.outputs, golden.outputs),
    ...compareAll("grad ", computed.grads, golden.grads),
    ...compareAll("after ", computed.parametersAfter, golden.parametersAfter),
  ];
  const passed = comparisons.length > 0 && comparisons.every((comparison) => comparison.passed);
  return { name: golden.name, status: passed ? "passed" : "failed", comparisons };
}

const number = (value: number): string => (Number.isFinite(value) ? value.toExponential(2) : "none");

function print({ output }: Context, result: CaseResult): void {
  output.line(`${result.name}: ${result.status}`);
  if (result.status === "unsupported") {
    output.event({ event: "case", ...result });
    output.line(`  ${result.reason}`);
    return;
  }
  for (const { name, error, tolerance, passed, problem } of result.comparisons) {
    output.event({ event: "output", case: result.name, name, error: Number.isFinite(error) ? error : null, tolerance, passed, ...(problem && { problem }) });
    output.line(`  ${passed ? "ok  " : "FAIL"} ${name.padEnd(48)} error ${number(error)}  tolerance ${number(tolerance)}${problem ? `  ${problem}` : ""}`);
  }
  output.event({ event: "case", name: result.name, status: result.status });
}
