// node --conditions=@heed/source tooling/matrix/src/write.ts: trains every combination, then writes the table to the docs.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { combinations, run } from "./matrix.ts";
import { table } from "./table.ts";

const problems: string[] = [];
const all = combinations().filter(({ refusal }) => !refusal);
for (const [i, one] of all.entries()) {
  const name = `${one.attention} x ${one.position} x ${one.objective}`;
  try {
    const { before, after, finite } = run(one);
    if (!(finite && after < before)) problems.push(`${name}: loss ${before} -> ${after}, finite: ${finite}`);
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (process.stderr.isTTY && i % 50 === 0) process.stderr.write(`\r${i} of ${all.length}`);
}
if (problems.length > 0) {
  console.error(`\n${problems.length} combinations do not train:\n${problems.join("\n")}`);
  process.exit(1);
}
const page = fileURLToPath(new URL("../../../apps/docs/generated/matrix.md", import.meta.url));
writeFileSync(page, table());
console.log(`${all.length} combinations trained; written: apps/docs/generated/matrix.md`);
