import { count, countsLine, failed, type Outcome, type Stage } from "./stage.ts";
import { stages } from "./stages/index.ts";

/** One stage from beginning to end; what breaks in it fails it, and never those that follow. */
async function runStage(stage: Stage): Promise<readonly Outcome[]> {
  console.log(`\n== ${stage.name}: ${stage.title}`);
  const started = performance.now();
  let outcomes: readonly Outcome[];
  try {
    outcomes = await stage.run();
    if (outcomes.length === 0) outcomes = [failed(stage.name, "the stage found nothing to check")];
  } catch (error) {
    outcomes = [failed(stage.name, error instanceof Error ? (error.stack ?? error.message) : String(error))];
  }
  for (const one of outcomes) {
    if (one.status !== "passed")
      console.log(`${one.status === "failed" ? "FAILED" : "skipped"} ${one.name}: ${one.reason ?? ""}`);
  }
  console.log(`${stage.name}: ${countsLine(count(outcomes))} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return outcomes;
}

// npm test -- parity --write: what a stage compares with a committed file, it writes there instead.
const words = process.argv.slice(2);
if (words.includes("--write")) process.env.HEED_WRITE = "1";
const wanted = words.filter((word) => word !== "--write");
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(
    `checks: no stage ${unknown.join(", ")}, expected some of ${stages.map((stage) => stage.name).join(", ")}`,
  );
  process.exit(2);
}

const chosen = wanted.length === 0 ? stages : stages.filter((stage) => wanted.includes(stage.name));
const outcomes: Outcome[] = [];
for (const stage of chosen) outcomes.push(...(await runStage(stage)));

const total = count(outcomes);
if (total.failed > 0) {
  console.log("\nFailed:");
  for (const one of outcomes.filter((each) => each.status === "failed")) console.log(`- ${one.name}`);
}
console.log(`\n${countsLine(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
